/// Upstream: one [[upstream]] as one worker sees it: its addresses, its connections, and who waits.
///
/// A call goes to the address with the fewest open calls; there it takes a kept HTTP/1.1
/// connection, a stream of an HTTP/2 one, or waits for a new connection. Names are resolved off the
/// loop: when first needed, when the answer is old, and after a failure.
///
///   an address:  well ─► failed (a connect, or a new connection that broke before any answer) ─►
///                resting, twice as long each time ─► tried again ─► well | failed
///
/// While others are well a resting address is left alone. When all rest, the one whose time is up
/// first is tried for every newcomer, but no more often than every 100 ms; between two tries calls
/// fail at once.
///
/// At max_connections each call that waits, and for which no connection is on its way, makes one
/// spare call give way, who was spare for longest first; where there is none it waits for
/// `connect_timeout` and has failed. A spare call makes none give way; while it waits itself, it
/// gives way to the first that is not.
///
/// A server that takes no calls on its connections for now (HTTP/2) is not asked for another
/// connection: calls wait for it to change its mind, for `connect_timeout`.
///
/// Owner   Relay. The loop and the connections outlive it.
/// Thread  its worker's; counters: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/result.h"
#include "gateway/h1/client_session.h"
#include "gateway/h2/client_session.h"
#include "gateway/net/address.h"
#include "gateway/net/connections.h"
#include "gateway/net/dial.h"
#include "gateway/net/resolver.h"
#include "gateway/net/timer.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/endpoint.h"
#include "gateway/relay/memory.h"
#include "gateway/relay/options.h"
#include "gateway/relay/upstream_call.h"
#include "gateway/relay/upstream_url.h"

namespace sluice::tls {
class ClientContext;
}

namespace sluice::relay {

/// A call whose answer nobody reads for now: its connection is for who waits for one.
class SpareCall : public ListHook<SpareCall> {
 public:
  /// It waits for a connection itself.
  [[nodiscard]] virtual bool is_waiting() const = 0;
  /// Its end leaves room for another one.
  [[nodiscard]] virtual bool has_room() const = 0;
  /// False: it is read again.
  virtual bool give_way() = 0;

 protected:
  ~SpareCall() = default;
};

class Upstream {
 public:
  struct Setting {
    net::Loop& loop;
    net::Connections& connections;
    Memory& memory;
    net::Resolver& resolver;
    /// To this worker, from any thread.
    std::function<void(std::function<void()>)> post;
    std::shared_ptr<const tls::ClientContext> tls;  ///< Null: clear text.
  };
  /// An address, for the status page.
  struct Address {
    std::string name;
    std::size_t connections = 0;
    std::size_t calls = 0;
    Health health;
    TimePoint rests_until{};
  };

  Upstream(const UpstreamOptions& options, Setting setting);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  /// Fails the calls that were found hopeless in this turn, and has spare ones give way. At its
  /// end.
  void tend();
  /// It is one until it leaves the list of them.
  void offer(SpareCall& spare);
  /// Connects to where the next call would go, and says whether that worked; for who has to know
  /// whether the application is there at all. `answer` is called once, never from inside, unless
  /// the upstream is destroyed before.
  void probe(std::function<void(bool is_there)> answer);

  [[nodiscard]] const UpstreamOptions& options() const { return options_; }
  [[nodiscard]] const UpstreamUrl& url() const { return urls_.front(); }
  [[nodiscard]] std::vector<Address> addresses() const;
  /// Somebody is to be told of a failure, or to give way, by the next tend().
  [[nodiscard]] bool has_work() const { return !doomed_.empty() || is_short_; }
  /// An address has failed, or answered again, since this was asked last.
  [[nodiscard]] bool has_news() { return std::exchange(has_news_, false); }
  [[nodiscard]] const UpstreamCounters& counters() const { return counters_; }

 private:
  friend class UpstreamCall;
  friend class Endpoint;

  /// What is known of what the connections speak.
  enum class Speaks : std::uint8_t { unknown, h1, h2 };
  /// A URL whose host is no address.
  struct Name {
    std::size_t url = 0;
    bool is_asked = false;
    TimePoint asked_at{};
  };

  // For UpstreamCall.
  void place(UpstreamCall& call);
  void unwait(UpstreamCall& call);
  void failed_early(Endpoint& endpoint, std::string_view what);
  void call_ended(Endpoint& endpoint);
  // For Endpoint.
  void learn(const http::Client& client);
  void health_changed() { has_news_ = true; }
  void room_at(Endpoint& endpoint);
  void connection_gone(Endpoint& endpoint);
  [[nodiscard]] std::size_t max_idle() const { return options_.max_idle; }

  void send(UpstreamCall& call, Endpoint& endpoint, http::Client& client);
  void wait(UpstreamCall& call);
  void doom(UpstreamCall& call, Failure failure, std::string what);
  void doom_all(Failure failure, const std::string& what);
  void expire_waiting();
  void give_up(UpstreamCall& call);
  void call_in_spares();

  [[nodiscard]] Endpoint* choose() const;
  [[nodiscard]] Endpoint::Backoff backoff() const {
    return {.first = options_.backoff, .most = options_.backoff_max};
  }
  [[nodiscard]] std::size_t connections_in_all() const;
  [[nodiscard]] std::size_t dialing_in_all() const;
  [[nodiscard]] std::size_t calls_each() const;
  void dial_for_waiting();
  void dial(Endpoint& endpoint);
  std::unique_ptr<Protocol> opened(Endpoint& endpoint, Transport& transport, std::string_view alpn);
  void dial_failed(Endpoint& endpoint, const net::DialFailure& failure);

  // upstream_names.cc
  void add_literals();
  [[nodiscard]] bool is_resolving() const;
  void names_are_old();
  void resolve_names();
  void resolved(std::size_t url, const Result<std::vector<net::SocketAddress>>& addresses);
  void replace_addresses(std::size_t url, std::span<const net::SocketAddress> addresses);

  // Set in the constructor.
  const UpstreamOptions& options_;
  const Setting setting_;
  std::vector<UpstreamUrl> urls_;
  h1::ClientSession::Setting h1_;
  h2::ClientOptions h2_;
  const std::shared_ptr<Upstream*> self_;  ///< For what comes back when this may be gone.

  h2::ClientCounters h2_counters_;
  UpstreamCounters counters_;
  std::vector<Name> names_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  IntrusiveList<UpstreamCall::Pending, WaitingTag> waiting_;
  std::size_t waiting_size_ = 0;
  IntrusiveList<UpstreamCall::Pending, WaitingTag> doomed_;
  IntrusiveList<SpareCall, SpareCall> spares_;
  std::size_t called_in_ = 0;  ///< For so many of those who wait a spare call has given way.
  bool is_short_ = false;      ///< Somebody waits, and there may be no connection left.
  std::string last_error_;
  std::size_t turn_ = 0;  ///< Of equally loaded addresses the next one is taken.
  bool has_retired_ = false;
  bool has_news_ = false;
  Speaks speaks_;
  net::Timer patience_;  ///< While somebody waits.
};

}  // namespace sluice::relay
