#include "gateway/server/shared.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/random.h"
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

}  // namespace sluice::server
