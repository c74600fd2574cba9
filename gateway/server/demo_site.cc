#include "gateway/server/demo_site.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/auth/token.h"
#include "gateway/http/answers.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {

// The page is one file with its script and style inside, and frames its clear-text twin.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; frame-src http://localhost:*; base-uri 'none'; form-action 'none'";

constexpr std::chrono::hours kTokenLife{12};

constexpr std::string_view kPagePath = "/";
constexpr std::string_view kConfigPath = "/demo/config.json";
constexpr std::string_view kConnectionPath = "/demo/connection.json";

}  // namespace

bool DemoSite::has(std::string_view path) {
  return path == kPagePath || path == kConfigPath || path == kConnectionPath;
}

std::unique_ptr<http::Answer> DemoSite::open(const http::Request& request,
                                             http::Exchange& exchange) const {
  if (request.method != "GET" && request.method != "HEAD") return nullptr;
  if (request.path == kPagePath) {
    return send(request, exchange, "text/html; charset=utf-8", std::string(kDemoPage));
  }
  if (request.path == kConfigPath) {
    return send(request, exchange, "application/json", config_json());
  }
  if (request.path == kConnectionPath) {
    return send(request, exchange, "application/json", connection_json(exchange.connection()));
  }
  return nullptr;
}

std::unique_ptr<http::Answer> DemoSite::send(const http::Request& request, http::Exchange& exchange,
                                             std::string_view type, std::string body) const {
  http::Response head{200,
                      {{"content-type", std::string(type)},
                       {"cache-control", "no-store"},
                       {"link", fmt::format("<{}>; rel=\"mercure\"", kHubPath)},
                       {"content-security-policy", kPolicy},
                       {"referrer-policy", "no-referrer"},
                       {"x-content-type-options", "nosniff"}}};
  return http::reply(exchange, std::move(head), std::move(body), request.method == "HEAD");
}

std::string DemoSite::config_json() const {
  nlohmann::json json{{"version", SLUICE_VERSION}, {"feed", shared_.config.demo.feed}};
  json["token"] = nullptr;
  const auto snapshot = shared_.publishers.keys().snapshot();
  const auto& keys = snapshot->keys;
  if (!keys.empty() && keys.front().can_sign()) {
    auth::Claims claims;
    claims.publish = std::vector<std::string>{"demo/{+topic}"};
    claims.expires = shared_.clock.wall() + kTokenLife;
    claims.subject = "demo";
    claims.issuer = keys.front().issuer;
    if (!keys.front().audience.empty()) claims.audience = {keys.front().audience};
    if (auto token = auth::mint(keys.front(), claims)) json["token"] = std::move(*token);
  }
  json["plain_origin"] = nullptr;
  if (!shared_.plain_origin.empty()) json["plain_origin"] = shared_.plain_origin;
  return json.dump();
}

std::string DemoSite::connection_json(const http::Connection& connection) const {
  const Totals totals = shared_.totals();
  return nlohmann::json{{"connection", std::to_string(connection.id)},
                        {"protocol", connection.protocol},
                        {"connection_streams", connection.open_exchanges},
                        {"connections", totals.connections},
                        {"streams", totals.streams},
                        {"deliveries", totals.deliveries}}
      .dump();
}

}  // namespace sluice::server
