/// base64url without padding (RFC 4648 §5, as RFC 7515 §2 uses it).
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice {

std::string base64url_encode(std::string_view bytes);
/// Strict: refuses padding, foreign characters and non-zero bits after the last byte.
Result<std::string> base64url_decode(std::string_view text);

}  // namespace sluice
