/// Verifier and mint(): JSON web tokens in compact form (RFC 7519), as the Mercure protocol uses
/// them: 0.x with grants in a claim of its own, 1.0 as OAuth access tokens (RFC 9068, RFC 9396).
///
/// Verifier
/// Owner   whoever checks requests; one for publishers, one for subscribers.
/// Thread  any. Its keys may be replaced at any time (key_ring.h).
/// Errors  a sentence that may be shown to the bearer; it tells no secret. Errc::expired: the token
///         was good once, and a new one will do; Errc::denied: everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/claims.h"
#include "gateway/auth/grants.h"
#include "gateway/auth/key.h"
#include "gateway/auth/key_ring.h"
#include "gateway/auth/token_cache.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::auth {

struct VerifierOptions {
  Millis leeway{30'000};               ///< For clocks that differ; on both ends of validity.
  std::size_t max_bytes = 8_KiB;       ///< A longer token is refused unread.
  std::size_t cache_entries = 10'000;  ///< Verified tokens that are remembered; 0: none.
};

class Verifier {
 public:
  explicit Verifier(std::vector<Key> keys, VerifierOptions options = {});

  /// A token with a `kid` is tried against the keys of that id and those without one; a token
  /// without is tried against all, as far as there are not too many.
  Result<Grants> verify(std::string_view token, WallTime now) const;

  [[nodiscard]] KeyRing& keys() { return ring_; }
  [[nodiscard]] const KeyRing& keys() const { return ring_; }
  [[nodiscard]] const TokenCache& cache() const { return cache_; }

 private:
  [[nodiscard]] Result<VerifiedToken> verify_anew(std::string_view token,
                                                  const KeyRing::Snapshot& snapshot) const;
  [[nodiscard]] Result<void> check_times(const VerifiedToken& token, WallTime now) const;

  const VerifierOptions options_;
  KeyRing ring_;
  mutable TokenCache cache_;
};

/// A signed token; of the protocol's version 1.0 when the claims have `details`. Fails when the key
/// cannot sign.
[[nodiscard]] Result<std::string> mint(const Key& key, const Claims& claims);

}  // namespace sluice::auth
