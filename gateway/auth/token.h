/// Verifier and mint(): JSON web tokens in compact form (RFC 7519), as the Mercure protocol 0.x
/// uses them.
///
/// Verifier
/// Owner   whoever checks requests; one for publishers, one for subscribers.
/// Thread  any: it does not change after construction.
/// Errors  Errc::denied with a sentence that may be shown to the bearer; it tells no secret.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/claims.h"
#include "gateway/auth/key.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::auth {

/// What the bearer of a valid token may do. Selectors are text: the hub knows what they match.
struct Grants {
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
  bool may_publish = false;         ///< The claim is there, if only as an empty list.
  bool may_subscribe = false;       ///< The claim is there, if only as an empty list.
  std::optional<WallTime> expires;  ///< When it ceases to be accepted: `exp` and the leeway.
  std::string subject;
};

struct VerifierOptions {
  Millis leeway{30'000};          ///< For clocks that differ; on both ends of validity.
  std::size_t max_bytes = 8_KiB;  ///< A longer token is refused unread.
};

class Verifier {
 public:
  /// Each key has passed check_key().
  explicit Verifier(std::vector<Key> keys, VerifierOptions options = {});

  [[nodiscard]] bool has_keys() const { return !keys_.empty(); }
  /// A token with a `kid` is tried against the keys of that id and those without one; a token
  /// without is tried against all.
  Result<Grants> verify(std::string_view token, WallTime now) const;

 private:
  Result<void> check_signature(const Header& header, std::string_view text,
                               std::string_view signature) const;

  const std::vector<Key> keys_;
  const VerifierOptions options_;
};

/// A signed token.
[[nodiscard]] std::string mint(const Key& key, const Claims& claims);

}  // namespace sluice::auth
