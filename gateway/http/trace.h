/// Trace: W3C Trace Context, as far as a gateway that only passes it on reads it.
///
/// Thread  any; pure function.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/http/message.h"

namespace sluice::http {

/// The trace's id, 32 hexadecimal digits, of a `traceparent` that is there once and valid; good as
/// long as the request.
[[nodiscard]] std::optional<std::string_view> trace_id(const Request& request);

}  // namespace sluice::http
