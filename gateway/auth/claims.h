/// Header and Claims: what a token says, before anybody believes it.
///
/// Thread  plain values.
/// Errors  Errc::denied with a sentence: not JSON, a name that occurs twice, a field of the wrong
///         type, an extension that must be understood (`crit`).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace sluice::auth {

struct Header {
  std::string algorithm;          ///< `alg`, as written.
  std::optional<std::string> id;  ///< `kid`
};

/// The claims that matter to the hub. The grants are in `mercure`, or in `https://mercure.rocks/`,
/// which wins when both are there.
struct Claims {
  std::optional<std::vector<std::string>> publish;    ///< None: the claim is missing.
  std::optional<std::vector<std::string>> subscribe;  ///< None: the claim is missing.
  std::optional<WallTime> expires;                    ///< `exp`
  std::optional<WallTime> not_before;                 ///< `nbf`
  std::string subject;                                ///< `sub`
};

Result<Header> parse_header(std::string_view json);
Result<Claims> parse_claims(std::string_view json);
[[nodiscard]] std::string header_json(const Header& header);
[[nodiscard]] std::string claims_json(const Claims& claims);

}  // namespace sluice::auth
