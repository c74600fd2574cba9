/// Is it UTF-8? And: the beginning of a text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// True for well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// At most `most` bytes of it, no character halved, and "..." where there was more.
std::string cut_text(std::string_view text, std::size_t most);

}  // namespace sluice
