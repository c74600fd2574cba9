/// `authorization_details` (RFC 9396) of Mercure 1.0: which of them are the hub's, and what they
/// grant. For this layer's .cc files only.
///
///   [{"type": "https://mercure.rocks/authorization-detail", "actions": ["publish", "subscribe"],
///     "topics": [{"match": "…", "match_type": "exact" | "urlpattern"}], "payload": …}]
///
/// Details of other types and unknown actions are not ours and are ignored. Whatever else is not
/// understood in a detail of ours refuses the token: what was meant to narrow it might be lost.
#pragma once

#include <vector>

#include "gateway/auth/claims.h"
#include "gateway/auth/json.h"

namespace sluice::auth {

Result<std::vector<Detail>> parse_details(const Json& details);
[[nodiscard]] Json details_json(const std::vector<Detail>& details);

}  // namespace sluice::auth
