#include "gateway/relay/json_text.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "gateway/base/utf8.h"

namespace sluice::relay {
namespace {

/// How many bytes the character at the front takes; 0: it is none.
std::size_t character(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(4, text.size()); ++length) {
    if (is_utf8(text.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = character(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      result += "\xef\xbf\xbd";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(result), "\\u{:04x}", byte);
    } else {
      if (byte == '"' || byte == '\\') result += '\\';
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  result += '"';
  return result;
}

}  // namespace sluice::relay
