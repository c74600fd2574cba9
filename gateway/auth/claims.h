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

#include "gateway/auth/grants.h"
#include "gateway/base/clock.h"
#include "gateway/base/result.h"

namespace sluice::auth {

struct Header {
  std::string algorithm;          ///< `alg`, as written.
  std::optional<std::string> id;  ///< `kid`
  std::string type = "JWT";       ///< `typ`; empty: there is none.

  /// An OAuth access token (RFC 9068 §2.1), as Mercure 1.0 wants it.
  [[nodiscard]] bool is_access_token() const;
};

/// One of the `authorization_details` (RFC 9396) that is the hub's.
struct Detail {
  bool publish = false;
  bool subscribe = false;
  std::vector<Grant> topics;  ///< Their payloads are the detail's.
};

/// A claim that says nothing to the hub, but may to a route or an application.
struct OtherClaim {
  std::string name;
  std::string json;  ///< Its value.
};

/// The claims that matter to the hub. Grants are in two forms, by the version of the protocol: 0.x
/// has them in `mercure`, or in `https://mercure.rocks/`, which wins when both are there; 1.0 in
/// `authorization_details`, beside which the others do not count.
struct Claims {
  std::optional<std::vector<std::string>> publish;    ///< None: the claim is missing.
  std::optional<std::vector<std::string>> subscribe;  ///< None: the claim is missing.
  std::string payload;                                ///< 0.x: JSON text; may be empty.
  std::optional<std::vector<Detail>> details;         ///< None: not a token of 1.0.
  std::optional<WallTime> expires;                    ///< `exp`
  std::optional<WallTime> not_before;                 ///< `nbf`
  std::optional<WallTime> issued;                     ///< `iat`
  std::string issuer;                                 ///< `iss`
  std::vector<std::string> audience;                  ///< `aud`
  std::string subject;                                ///< `sub`
  std::string client_id;                              ///< `client_id`
  std::string token_id;                               ///< `jti`
  std::vector<OtherClaim> others;                     ///< For mint(); parse_claims() drops them.
};

Result<Header> parse_header(std::string_view json);
Result<Claims> parse_claims(std::string_view json);
/// Any JSON value, in one line.
Result<std::string> parse_payload(std::string_view json);
[[nodiscard]] std::string header_json(const Header& header);
/// Those of `others` with a name of the hub's own are left out.
[[nodiscard]] std::string claims_json(const Claims& claims);
/// It has a field of its own in Claims: "sub", "mercure".
[[nodiscard]] bool is_own_claim(std::string_view name);
/// As the JSON text of a string.
[[nodiscard]] std::string json_of_text(std::string_view text);

/// What the claims allow. `expires` is not set: it depends on the leeway.
[[nodiscard]] Grants grants_of(const Claims& claims);

}  // namespace sluice::auth
