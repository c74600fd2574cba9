/// How a JWK set is fetched: GET, by https with the certificate verified against whom the system
/// trusts ($SSL_CERT_FILE adds to it), or by http on this machine.
///
/// Bounded in every way: connecting, reading, the whole (see kFetchTime), the size, redirects. When
/// it is stopped it ends at once, but for the look-up of the name, which cannot be cut off.
/// Thread  any; blocks. The process ignores SIGPIPE.
/// Errors  Errc::io or Errc::limit with a sentence.
#pragma once

#include <stop_token>
#include <string>

#include "gateway/base/result.h"
#include "gateway/base/units.h"
#include "gateway/server/jwks.h"

namespace sluice::server {

constexpr Millis kFetchTime{10'000};  ///< No body is read for longer.

Result<JwksAnswer> fetch_jwks(const std::string& url, const std::stop_token& stop);

}  // namespace sluice::server
