/// The cookies of a request (RFC 6265 §4.2; RFC 9113 §8.2.3: HTTP/2 may split them over fields).
///
/// Thread  any; plain values.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/http/headers.h"

namespace sluice::http {

/// The value of the first cookie of that name, without quotes around it. Good as long as `headers`.
std::optional<std::string_view> cookie(const Headers& headers, std::string_view name);

}  // namespace sluice::http
