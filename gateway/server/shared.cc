#include "gateway/server/shared.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/random.h"
#include "gateway/server/counters.h"
#include "gateway/server/paths.h"

namespace sluice::server {

hub::Url hub_url_of(const Config& config) {
  const std::string text = config.access.public_url.empty()
                               ? fmt::format("https://localhost{}", kHubPath)
                               : config.access.public_url;
  const auto url = hub::Url::parse(text);
  SLUICE_ASSERT(url.has_value(), "hub.public_url was not checked");
  return *url;
}

http::Networks networks_of(std::span<const std::string> texts) {
  auto networks = http::Networks::parse(texts);
  SLUICE_ASSERT(networks.has_value(), "server.trusted_proxies was not checked");
  return std::move(*networks);
}

TimePoint Shared::end_of_stream(std::optional<TimePoint> token_ends) const {
  const TimePoint end = token_ends.value_or(TimePoint::max());
  const Millis most = config.limits.max_stream_duration;
  if (most == Millis(0)) return end;
  return std::min(end, clock.now() + jitter(most - most / 10, most));
}

std::string Shared::client_of(const http::Request& request,
                              const http::Connection& connection) const {
  if (!proxies.contains(connection.peer)) return connection.peer;
  return http::read_forwarded(request, connection.peer, proxies).client;
}

Counter* obstacle_to_stream(const Shared& shared, const http::Connection& connection,
                            Counters& counters) {
  const std::size_t most_of_one = shared.max_streams_per_connection.load(std::memory_order_relaxed);
  if (shared.is_short_of_memory(MemoryLevel::park)) return &counters.refused_memory;
  if (connection.event_streams >= most_of_one) {
    return &counters.refused_connection_streams;
  }
  const std::size_t most = shared.max_streams.load(std::memory_order_relaxed);
  if (shared.totals().streams >= most) return &counters.refused_streams;
  const bool is_draining = shared.is_parking.load(std::memory_order_relaxed);
  return is_draining ? &counters.refused_draining : nullptr;
}

http::Networks uncounted_networks(const Config& config) {
  std::vector<std::string> texts = config.limits.address.exempt;
  const auto& proxies = config.relay.trusted_proxies;
  texts.insert(texts.end(), proxies.begin(), proxies.end());
  auto networks = http::Networks::parse(texts);
  SLUICE_ASSERT(networks.has_value(), "limits.exempt was not checked");
  return std::move(*networks);
}

}  // namespace sluice::server
