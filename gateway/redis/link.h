/// Link: one connection to Redis that is made again whenever it breaks.
///
///   start() ─► [resolving] ─► dialing ─► greeting ─► up ──────────────► lost
///                 ▲            (TLS)     AUTH, SELECT, CLIENT SETNAME,    │
///                 └──────────── waiting: twice as long each time, ◄──────┘
///                               jittered, up to backoff_max
///
/// Commands leave in the order in which they were given, without waiting for each other, and are
/// answered in that order. When the link is lost, those without an answer are answered with
/// Errc::io: whether they were carried out, nobody knows. Nothing is sent a second time here.
///
/// A server that is a replica, that loads its data, or that refuses our login is not "up": what is
/// read of a replica may be old, and nothing can be written there.
///
/// Owner   who speaks on it; the loop, the connections and the resolver outlive it.
/// Thread  its loop's.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/net/connections.h"
#include "gateway/net/dial.h"
#include "gateway/net/loop.h"
#include "gateway/net/resolver.h"
#include "gateway/net/timer.h"
#include "gateway/redis/codec.h"
#include "gateway/redis/options.h"
#include "gateway/redis/url.h"

namespace sluice::redis {

/// What the links of one journal share.
struct Wiring {
  net::Loop& loop;
  net::Connections& connections;
  net::Resolver& resolver;
  /// To the loop's thread, from any.
  std::function<void(std::function<void()>)> post;
  std::shared_ptr<const tls::ClientContext> tls;  ///< Null: clear text.
  LinkOptions options;
  RedisUrl url;
  std::string key;  ///< Is asked for, to see whether the server serves.
};

class Link {
 public:
  class Events {
   public:
    virtual void on_up() = 0;
    /// It was lost, or could not be made: once for each try. All commands were answered before.
    virtual void on_down(std::string_view why) = 0;

   protected:
    ~Events() = default;
  };
  using Answered = std::function<void(Result<Reply>)>;

  /// `name` is seen in CLIENT LIST.
  Link(const Wiring& wiring, std::string name, Events& events);
  /// Those without an answer get none.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();
  [[nodiscard]] bool is_up() const { return state_ == State::up; }
  /// Only while it is up. `patience`: how much longer than others its answer may take.
  void call(std::string command, Answered done, Duration patience = Duration(0));
  /// It is no good as it is: made anew. Not from inside on_up() and on_down().
  void cut(std::string_view why);
  [[nodiscard]] std::size_t unanswered() const { return pending_.size(); }

 private:
  class Conn;
  enum class State : std::uint8_t { off, waiting, resolving, dialing, greeting, up };
  struct Pending {
    Answered done;
    TimePoint due;
  };

  void connect();
  void resolve();
  void dial(const net::SocketAddress& address);
  void greet();
  void greeted(const Result<Reply>& answer);
  void check_role(const Result<Reply>& answer);
  void check_service(const Result<Reply>& answer);
  void send(std::string_view command, Answered done, Duration patience);
  void on_reply(Reply reply);
  void lost(std::string_view why);
  void look_at_time();

  // Set in the constructor.
  const Wiring& wiring_;
  const std::string name_;
  Events& events_;
  const std::shared_ptr<Link*> self_;  ///< For what comes back when this may be gone.

  State state_ = State::off;
  Conn* conn_ = nullptr;  ///< While greeting or up; its transport owns it.
  std::deque<Pending> pending_;
  Millis backoff_;
  std::size_t turn_ = 0;  ///< Of several addresses the next one is tried.
  net::Timer again_;
  net::Timer watch_;  ///< While commands wait for answers.
};

}  // namespace sluice::redis
