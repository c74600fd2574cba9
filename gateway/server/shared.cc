#include "gateway/server/shared.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
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

}  // namespace sluice::server
