/// http_date(): a point in time as the `date` field has it (RFC 9110 §5.6.7).
#pragma once

#include <string_view>

#include "gateway/base/clock.h"

namespace sluice::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT". Formatted once per second and thread; good until the next
/// call on the same thread.
std::string_view http_date(WallTime now);

}  // namespace sluice::http
