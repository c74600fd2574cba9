/// How a JWK set is fetched: GET, by https with the certificate verified against whom the system
/// trusts ($SSL_CERT_FILE adds to it), or by http on this machine.
///
/// Bounded in every way: connecting, reading, the whole (see kFetchTime), the size, redirects.
/// Thread  any; blocks.
/// Errors  Errc::io or Errc::limit with a sentence.
#pragma once

#include <string>

#include "gateway/base/result.h"
#include "gateway/base/units.h"
#include "gateway/server/jwks.h"

namespace sluice::server {

constexpr Millis kFetchTime{10'000};  ///< No body is read for longer.

Result<JwksAnswer> fetch_jwks(const std::string& url);

}  // namespace sluice::server
