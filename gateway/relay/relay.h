/// Relay: the door of this layer, one for each worker: a request that a route took, and its answer.
///
/// What was to be decided about the request (the route, who asks, whether they may) has been decided
/// by `server` and comes as Terms; from here on it is the upstream's.
///
/// Owner   its worker. Thread  that worker's; counters: any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/http/exchange.h"
#include "gateway/net/connections.h"
#include "gateway/net/loop.h"
#include "gateway/net/resolver.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/options.h"
#include "gateway/relay/stream.h"
#include "gateway/relay/terms.h"
#include "tls/client_context.h"

namespace sluice::relay {

class Sources;
class Upstream;

class Relay {
 public:
  struct Setting {
    net::Loop& loop;
    net::Resolver& resolver;
    std::span<const RouteOptions> routes;
    std::span<const UpstreamOptions> upstreams;
    /// For each upstream; null: clear text.
    std::span<const std::shared_ptr<const tls::ClientContext>> contexts;
    const net::Connections::Options& net;
    Sources* sources;  ///< Of the process; null: nothing is shared or replayed.
    std::function<void(std::function<void()>)> post;  ///< To this worker. Any thread.
  };

  explicit Relay(Setting setting);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Never null; as http::Service::open().
  std::unique_ptr<http::Answer> open(std::size_t route, const http::Request& request,
                                     http::Exchange& exchange, Terms terms);
  /// Turn end: writes to upstreams. True: work is left.
  bool flush();
  /// Event streams that a drain may end one by one.
  [[nodiscard]] Streams& streams();

  // Any thread.
  [[nodiscard]] const RouteCounters& counters_of_route(std::size_t route) const;
  [[nodiscard]] const UpstreamCounters& counters_of_upstream(std::size_t upstream) const;
  [[nodiscard]] const net::Connections::Counters& connection_counters() const;

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::relay
