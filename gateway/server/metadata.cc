#include "gateway/server/metadata.h"

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/server/paths.h"

namespace sluice::server {

std::string resource_metadata(const Shared& shared, const http::Request& request) {
  const Config& config = shared.config;
  std::set<std::string> issuers;
  for (const auth::Verifier* verifier : {&shared.publishers, &shared.subscribers}) {
    const auto snapshot = verifier->keys().snapshot();
    for (const auth::Key& key : snapshot->keys) {
      if (!key.issuer.empty()) issuers.insert(key.issuer);
    }
  }
  for (const auto* sources : {&config.access.publisher_jwks, &config.access.subscriber_jwks}) {
    for (const JwksSource& source : *sources) {
      if (!source.issuer.empty()) issuers.insert(source.issuer);
    }
  }
  nlohmann::ordered_json json;
  json["resource"] = config.access.public_url.empty()
                         ? fmt::format("{}://{}{}", request.scheme, request.authority, kHubPath)
                         : config.access.public_url;
  if (!issuers.empty()) json["authorization_servers"] = issuers;
  json["authorization_details_types_supported"] = {"https://mercure.rocks/authorization-detail"};
  json["bearer_methods_supported"] = {"header"};
  json["mercure_cookie"] = config.access.cookie_v1;
  json["mercure_matcher_types_supported"] = {"exact", "urlpattern"};
  json["mercure_subscriptions"] = config.access.subscriptions;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace sluice::server
