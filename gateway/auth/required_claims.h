/// Required claims: what a token must say beside being good, where others than the hub ask for it.
///
/// Thread  any; plain values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::auth {

struct RequiredClaim {
  std::string name;   ///< "tenant"
  std::string value;  ///< "a"
};

/// `token` has been verified: only what it says is looked at here. A claim that is a string must be
/// the value, one that is an array must hold it; of `scope` and `scp` (RFC 8693 §4.2), which are
/// words with blanks between, it is one word. Any other claim fails, as does a missing one.
/// Errors  Errc::denied with a sentence that names the claim, and says whether it is missing, of
///         another type or of another value; never a value, the token's or the one that is
///         required.
Result<void> check_claims(std::string_view token, std::span<const RequiredClaim> required);

}  // namespace sluice::auth
