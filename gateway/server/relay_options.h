/// Options of the relay that are the server's: who may use a route, which pages may read it, and
/// all of the relay's own together.
///
/// Thread  plain values; read-only once the workers run.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "gateway/auth/key.h"
#include "gateway/auth/required_claims.h"
#include "gateway/base/units.h"
#include "gateway/http/cors.h"
#include "gateway/relay/options.h"
#include "gateway/server/jwks.h"

namespace sluice::server {

/// What a route wants of a token.
enum class TokenUse {
  off,       ///< Nothing: `authorization` is the application's.
  optional,  ///< None, or one that is good.
  required,
};

/// Who speaks to browsers about pages of other origins.
enum class CorsBy {
  application,  ///< What it says is passed on, preflights too.
  gateway,      ///< We do, by the route's `cors_origins`.
};

/// A server that is asked whether a request may pass.
struct AuthCallOptions {
  std::string url;           ///< "http://auth.internal:9001/check"; empty: nobody is asked.
  std::size_t upstream = 0;  ///< Index of the list of upstreams: its scheme, host and port.
  std::string authority;     ///< "auth.internal:9001"
  std::string path;          ///< "/check"
  std::string query;
  std::vector<std::string> headers{"authorization", "cookie"};  ///< Of the request, sent along.
  std::vector<std::string> copy;       ///< Of its answer, set on the request to the application.
  Millis timeout{5'000};               ///< For its answer.
  std::size_t cache_entries = 10'000;  ///< Answers remembered by each worker.
};

/// Of one [[route]], beside its relay::RouteOptions.
struct RouteAccess {
  TokenUse token = TokenUse::off;
  std::vector<auth::Key> keys;  ///< None, nor a JWKS: the hub's for subscribers.
  std::vector<JwksSource> jwks;
  std::vector<auth::RequiredClaim> claims;
  bool pass_token = true;            ///< The application gets the token, too.
  bool forward_certificate = false;  ///< It is told of the client's certificate.
  AuthCallOptions call;
  CorsBy cors_by = CorsBy::application;
  http::CorsOptions cors{.origins = {},
                         .max_age = std::chrono::seconds(86400),
                         .methods = {},
                         .request_headers = {},
                         .exposed = "last-event-id, sluice-stream-id, x-request-id"};

  [[nodiscard]] bool has_own_keys() const { return !keys.empty() || !jwks.empty(); }
};

/// What a `[[route]]` table gives.
struct Route {
  relay::RouteOptions relay;
  RouteAccess access;
  // As they stand in the file, until config_relay.h has found out what they mean.
  std::vector<std::string> upstream;  ///< URLs, or the name of one [[upstream]].
  relay::Wire wire = relay::Wire::any;
  std::optional<Millis> heartbeat_interval;    ///< None: [heartbeat].interval.
  std::optional<std::size_t> max_event_bytes;  ///< None: the default, or what there is room for.
  std::optional<relay::OnDisconnect> on_disconnect;  ///< None: linger where there is a replay.
};

struct RelayOptions {
  std::vector<relay::UpstreamOptions> upstreams;
  std::vector<relay::RouteOptions> routes;
  std::vector<RouteAccess> access;  ///< Of each route, in the same order.
  relay::LimitOptions limits;
  std::vector<std::string> trusted_proxies;  ///< Networks whose `x-forwarded-…` are believed.

  [[nodiscard]] bool has_routes() const { return !routes.empty(); }
};

}  // namespace sluice::server
