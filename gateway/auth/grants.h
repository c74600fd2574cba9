/// Grants: what the bearer of a valid token may do. The hub knows what a Grant matches.
///
/// Thread  plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"

namespace sluice::auth {

/// How a Grant's text is matched against a topic. "*" matches everything, whatever the type.
enum class MatchType {
  selector,    ///< Mercure 0.x: "*", the topic itself, or a URI Template.
  exact,       ///< 1.0: the topic, byte for byte.
  urlpattern,  ///< 1.0: a WHATWG URL Pattern.
};

struct Grant {
  MatchType type = MatchType::selector;
  std::string match;
  std::string payload;  ///< What subscribers are told about the bearer: JSON text; may be empty.

  bool operator==(const Grant&) const = default;
};

struct Grants {
  std::vector<Grant> publish;
  std::vector<Grant> subscribe;
  bool may_publish = false;         ///< The grant is there, if only of an empty list.
  bool may_subscribe = false;       ///< The grant is there, if only of an empty list.
  std::string payload;              ///< 0.x, of all its grants: JSON text; may be empty.
  std::optional<WallTime> expires;  ///< When it ceases to be accepted: `exp` and the leeway.
  std::optional<WallTime> issued;   ///< `iat`
  std::string subject;              ///< `sub`
  std::string token_id;             ///< `jti`
  bool is_v1 = false;               ///< A token of Mercure 1.0.
};

/// Those grants that a selector of Mercure 0.x expresses, as one. An exact text with braces is
/// none: as a selector it would be a template, and allow more.
[[nodiscard]] std::vector<std::string> selector_texts(const std::vector<Grant>& grants);

}  // namespace sluice::auth
