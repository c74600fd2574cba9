/// Relay: the door of this layer, one for each worker: a request that a route took, and its answer.
///
/// What was to be decided about a request (the route, who asks, whether they may) has been decided
/// by `server` and comes as Terms; from here on it is the upstream's.
///
/// Owner   its worker. Thread  that worker's; counters: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/net/connections.h"
#include "gateway/net/loop.h"
#include "gateway/net/resolver.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/memory.h"
#include "gateway/relay/options.h"
#include "gateway/relay/route_context.h"
#include "gateway/relay/stream.h"
#include "gateway/relay/terms.h"
#include "gateway/relay/upstream.h"

namespace sluice::relay {

class Sharing;
class Sources;

class Relay {
 public:
  struct Setting {
    net::Loop& loop;
    net::Resolver& resolver;
    const std::vector<RouteOptions>& routes;
    const std::vector<UpstreamOptions>& upstreams;
    /// One for each upstream; null: clear text.
    const std::vector<std::shared_ptr<const tls::ClientContext>>& contexts;
    net::Connections::Options net;  ///< Of connections to upstreams.
    const RetryRange& retry;
    std::function<void(std::function<void()>)> post;  ///< To this worker. Any thread.
    Sources* sources = nullptr;  ///< Of the process; null: nothing is shared or replayed.
  };

  explicit Relay(Setting setting);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Never null; as http::Service::open().
  std::unique_ptr<http::Answer> open(std::size_t route, const http::Request& request,
                                     http::Exchange& exchange, Terms terms);
  /// Turn end, before clients are written to: tells upstreams what is to be told.
  void flush();
  /// The same behind that; and what is shared goes on with the next turn.
  void end_turn();
  /// Once a second or so.
  void tidy() { memory_.tidy(); }
  /// After end_turn(): the next turn must not sleep.
  [[nodiscard]] bool has_work() const;
  /// Event streams that may be ended one by one.
  [[nodiscard]] Streams& streams() { return streams_; }
  [[nodiscard]] Upstream& upstream(std::size_t index) { return *upstreams_[index]; }
  /// `requests` and `denied` are counted by the caller of open(): it sees those that never come
  /// here.
  [[nodiscard]] RouteCounters& route_counters(std::size_t route) {
    return routes_[route]->counters;
  }

  // Any thread.
  /// Streams that are open, those that a drain leaves alone included.
  [[nodiscard]] std::size_t event_streams() const;
  /// Requests whose answers are not over.
  [[nodiscard]] std::size_t open_requests() const;
  /// Of all routes.
  [[nodiscard]] std::uint64_t heartbeats() const;
  [[nodiscard]] const RouteCounters& route_counters(std::size_t route) const {
    return routes_[route]->counters;
  }
  [[nodiscard]] const UpstreamCounters& upstream_counters(std::size_t upstream) const {
    return upstreams_[upstream]->counters();
  }
  [[nodiscard]] const net::Connections::Counters& connection_counters() const {
    return connections_.counters();
  }

 private:
  static std::unique_ptr<http::Answer> open_plainly(RouteContext& context,
                                                    const http::Request& request,
                                                    http::Exchange& exchange, Terms terms);

  // Set in the constructor.
  const Setting setting_;
  Memory memory_;
  Streams streams_;
  net::Connections connections_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::unique_ptr<RouteContext>> routes_;
  std::unique_ptr<Sharing> sharing_;  ///< Null: nothing is shared or replayed.
};

}  // namespace sluice::relay
