/// JWK sets (RFC 7517): the keys that an issuer publishes.
///
/// A key that is not for verifying tokens, or that is not understood, is skipped; the others count.
/// Thread  any; plain functions.
/// Errors  Errc::invalid: the text is no set at all, or too large; Errc::limit: too many keys.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/auth/key.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::auth {

constexpr std::size_t kMaxJwkKeys = 100;
constexpr std::size_t kMaxJwksBytes = 256_KiB;

struct JwkOptions {
  bool allow_secrets = false;  ///< Take shared secrets too: only from the operator's own file.
  std::vector<Algorithm> algorithms;  ///< Only keys for these; empty: for all.
};

struct JwkSet {
  std::vector<Key> keys;
  std::size_t skipped = 0;
};

/// `{"keys": [...]}`, or one key alone. A key without `alg` is for the algorithm of its curve; an
/// RSA key for those RSA algorithms that `options` names, or for RS256.
Result<JwkSet> parse_jwks(std::string_view text, const JwkOptions& options);

}  // namespace sluice::auth
