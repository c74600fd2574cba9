/// What the names that a publisher chooses may look like: topics, ids, types, keys.
///
/// Thread  any; pure functions.
/// Errors  Errc::invalid, or Errc::limit for one that is too long; the message names the field.
#pragma once

#include <cstddef>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::server {

/// UTF-8 of at most `max` bytes without control characters (C0, DEL, C1) or characters that do not
/// show (Unicode category Cf), and without a blank at either end. May be empty.
Result<void> check_name(std::string_view what, std::string_view name, std::size_t max);

/// True when `topic`, taken for a URL and resolved against the hub's, has the hub's path or one
/// below it, whatever scheme and host. Dot segments and escapes of unreserved characters do not
/// hide it (RFC 3986 §5.2, §6.2.2).
[[nodiscard]] bool is_reserved_topic(std::string_view topic);

}  // namespace sluice::server
