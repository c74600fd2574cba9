/// JSON objects as RFC 7519 wants them, and their members. For this layer's .cc files only.
///
/// Errors  `code` with a sentence about `what`: "the payload of the token".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "gateway/base/result.h"

namespace sluice::auth {

using Json = nlohmann::json;

/// An object in which no name occurs twice: of two parties that read such a text differently, one
/// is deceived (RFC 7519 §4). Nor is it nested deeply: it may be written out again.
Result<Json> parse_object(std::string_view text, std::string_view what, Errc code);

/// nullptr: there is no such member. A null is a value.
[[nodiscard]] const Json* find(const Json& object, const char* name);
/// None: there is no such member.
Result<std::optional<std::string>> string_of(const Json& object, const char* name,
                                             std::string_view what, Errc code);
/// None: it is not an array of strings.
[[nodiscard]] std::optional<std::vector<std::string>> strings_of(const Json& value);
/// In one line.
[[nodiscard]] std::string text_of(const Json& value);

}  // namespace sluice::auth
