/// Link: one connection to Redis that is made again whenever it breaks.
///
///   start() ─► finding ─► dialing ─► greeting ─► up ────────────────────────────► lost
///                ▲                   AUTH, SELECT, CLIENT SETNAME, ROLE, …         │
///                ├──── at once, kHops times: a node of a cluster led elsewhere ◄───┤ while
///                └──── waiting: twice as long each time, jittered, up to ◄────────┘ greeting
///                      backoff_max; anew from the least behind one that was up for so long
///
/// Which server it is to be is found anew for each try (whereabouts.h): sentinels are asked, and a
/// node of a cluster may lead to another. When the sentinels name another one, the link is lost.
///
/// Commands leave in the order in which they were given, without waiting for each other, and are
/// answered in that order. When the link is lost, those without an answer are answered with
/// Errc::io: whether they were carried out, nobody knows. Nothing is sent a second time here. A
/// command that is answered with MOVED was not carried out, and the link is lost behind it. An
/// answer that is larger than answer_bytes costs the link, too: Errc::limit for that command.
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
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/net/timer.h"
#include "gateway/redis/codec.h"
#include "gateway/redis/line.h"
#include "gateway/redis/place.h"
#include "gateway/redis/wiring.h"

namespace sluice::redis {

class Link final : private Line::Events {
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
  static constexpr std::size_t kHops = 5;

  /// `name` is seen in CLIENT LIST.
  Link(const Wiring& wiring, std::string name, Events& events);
  /// Those without an answer get none.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();
  [[nodiscard]] bool is_up() const { return state_ == State::up; }
  /// Only while it is up. `patience`: how much longer than others its answer may take.
  void call(std::string_view command, Answered done, Duration patience = Duration(0));
  /// It is no good as it is: made anew. Not from inside on_up() and on_down().
  void cut(std::string_view why);
  [[nodiscard]] std::size_t unanswered() const { return pending_.size(); }
  /// The last one fell silent. That this one could be made says little: Redis may greet, and answer
  /// all but what matters (CLIENT PAUSE WRITE), until believe() says that it does.
  [[nodiscard]] bool is_doubted() const { return is_doubted_; }
  /// True: it was doubted until now.
  [[nodiscard]] bool believe() { return std::exchange(is_doubted_, false); }

 private:
  enum class State : std::uint8_t { off, waiting, finding, dialing, greeting, up };
  struct Pending {
    Answered done;
    TimePoint due;
    Duration patience;
  };

  void on_open() override;
  void on_reply(Reply reply) override;
  void on_closed(std::string_view why, Errc code) override;

  void connect();
  void dial(const Place& place);
  void greet();
  void greeted(const Result<Reply>& answer);
  void selected(const Result<Reply>& answer);
  void hear_nodes(const Result<Reply>& answer);
  void check_role(const Result<Reply>& answer);
  void check_service(const Result<Reply>& answer);
  void send(std::string_view command, Answered done, Duration patience);
  /// `code`: for the command whose turn it was.
  void lost(std::string_view why, Errc code = Errc::io);
  [[nodiscard]] std::string reason_of(std::string_view why) const;
  void look_at_time();
  void look_at_master();

  // Set in the constructor.
  const Wiring& wiring_;
  const std::string name_;
  Events& events_;
  const std::shared_ptr<Link*> self_;  ///< For what comes back when this may be gone.

  State state_ = State::off;
  Place place_;                 ///< Where it is, or was last.
  std::unique_ptr<Line> line_;  ///< While dialing, greeting or up.
  bool is_replica_ = false;     ///< It said so while greeting.
  bool is_doubted_ = false;
  std::optional<Place> led_to_;  ///< It said that the slot is there.
  std::size_t hops_ = 0;         ///< In this try.
  std::deque<Pending> pending_;
  Millis backoff_;
  TimePoint up_since_{};
  std::size_t turn_ = 0;  ///< Of several addresses the next one is tried.
  net::Timer again_;
  net::Timer watch_;   ///< While commands wait for answers.
  net::Timer review_;  ///< While it is up, by sentinels.
};

}  // namespace sluice::redis
