#include "gateway/h1/target.h"

#include <algorithm>
#include <cstddef>

#include "gateway/base/ascii.h"

namespace sluice::h1 {
namespace {

constexpr std::size_t kMaxAuthority = 320;  // A name of 253, brackets or escapes, and a port.

bool is_target_char(char c) {
  return c > ' ' && c <= '~' && c != '#' && c != '\\';
}

bool is_authority_char(char c) {
  return is_alnum(c) || std::string_view("-._~:[]%").find(c) != std::string_view::npos;
}

/// Takes "http://" or "https://" off the front.
bool take_scheme(std::string_view& text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!starts_with_ignoring_case(text, scheme)) continue;
    text.remove_prefix(scheme.size());
    return true;
  }
  return false;
}

}  // namespace

bool is_authority(std::string_view text) {
  return !text.empty() && text.size() <= kMaxAuthority && text.front() != ':' &&
         std::all_of(text.begin(), text.end(), is_authority_char);
}

std::optional<Target> parse_target(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_target_char)) return std::nullopt;
  Target target;
  if (text.front() != '/') {
    if (!take_scheme(text)) return std::nullopt;
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    if (!is_authority(target.authority)) return std::nullopt;
    text.remove_prefix(end);
  }
  const std::size_t mark = std::min(text.find('?'), text.size());
  target.path = mark == 0 ? std::string_view("/") : text.substr(0, mark);
  target.query = text.substr(std::min(mark + 1, text.size()));
  return target;
}

}  // namespace sluice::h1
