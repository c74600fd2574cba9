#include "gateway/server/routes.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"

namespace sluice::server {
Routes::Routes(const RelayOptions& options, const auth::VerifierOptions& tokens,
               const auth::Verifier& subscribers, const http::Networks& trusted)
    : options_(options), subscribers_(subscribers), match_(options.routes), trusted_(trusted) {
  for (const RouteAccess& access : options.access) {
    own_.push_back(access.has_own_keys() ? std::make_unique<auth::Verifier>(access.keys, tokens)
                                         : nullptr);
    cors_.push_back(access.cors_by == CorsBy::gateway
                        ? std::make_unique<const http::Cors>(access.cors)
                        : nullptr);
    has_guards_ |= access.token != TokenUse::off || !access.call.url.empty();
  }
}

Routes::Lookups Routes::lookups() const {
  Lookups all;
  for (const auto& verifier : own_) {
    if (verifier == nullptr) continue;
    all.hits += verifier->cache().hits();
    all.misses += verifier->cache().misses();
  }
  return all;
}

}  // namespace sluice::server
