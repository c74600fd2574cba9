#include "gateway/server/publish_names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/http/uri.h"
#include "gateway/server/paths.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};

/// C1, then category Cf of Unicode 15.
constexpr std::array kUnseen{
    Span{0x80, 0x9f},       Span{0xad, 0xad},       Span{0x600, 0x605},     Span{0x61c, 0x61c},
    Span{0x6dd, 0x6dd},     Span{0x70f, 0x70f},     Span{0x890, 0x891},     Span{0x8e2, 0x8e2},
    Span{0x180e, 0x180e},   Span{0x200b, 0x200f},   Span{0x202a, 0x202e},   Span{0x2060, 0x2064},
    Span{0x2066, 0x206f},   Span{0xfeff, 0xfeff},   Span{0xfff9, 0xfffb},   Span{0x110bd, 0x110bd},
    Span{0x110cd, 0x110cd}, Span{0x13430, 0x1343f}, Span{0x1bca0, 0x1bca3}, Span{0x1d173, 0x1d17a},
    Span{0xe0001, 0xe0001}, Span{0xe0020, 0xe007f}};

bool is_unseen(std::uint32_t c) {
  return std::any_of(kUnseen.begin(), kUnseen.end(),
                     [c](Span span) { return c >= span.first && c <= span.last; });
}

/// Takes one character off the front of well-formed UTF-8.
std::uint32_t next_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t c = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    c = c << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  text.remove_prefix(size);
  return c;
}

std::string decode_unreserved(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int value = hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]);
      const bool is_escape = hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
      if (is_escape && value < 0x80 && http::is_unreserved(static_cast<char>(value))) {
        decoded += static_cast<char>(value);
        i += 2;
        continue;
      }
    }
    decoded += text[i] == '\\' ? '/' : text[i];  // As browsers read it in https URLs.
  }
  return decoded;
}

/// RFC 3986 §5.2.4, of a path that begins with '/'.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    const bool is_dots = segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!is_dots) segments.push_back(segment);
    if (is_dots && path.empty()) segments.emplace_back();  // The slash stays.
  }
  std::string clean;
  for (const std::string_view segment : segments) clean.append("/").append(segment);
  return clean;
}

/// Where the scheme ends, with its colon; 0 when there is none.
std::size_t scheme_length(std::string_view url) {
  const std::size_t colon = url.find_first_of(":/?#\\");
  if (colon == url.npos || url[colon] != ':' || colon == 0) return 0;
  if (!is_alpha(url.front())) return 0;
  const auto is_part = [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; };
  return std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon), is_part)
             ? colon + 1
             : 0;
}

/// False: it names none of the hub's paths. Where nothing is escaped the last segment of the hub's
/// path stands in what means it, unless an empty path does.
bool may_be_reserved(std::string_view topic) {
  constexpr std::string_view kLast = kHubPath.substr(kHubPath.rfind('/') + 1);
  return topic.empty() || topic.front() == '?' || topic.front() == '#' ||
         topic.find('%') != topic.npos || topic.find(kLast) != topic.npos;
}

}  // namespace

Result<void> check_name(std::string_view what, std::string_view name, std::size_t max) {
  if (name.size() > max) {
    return fail(Errc::limit,
                fmt::format("{} is {} bytes long; at most {} are allowed", what, name.size(), max));
  }
  if (auto good = sse::check_text(what, name, max); !good) return good;
  while (!name.empty()) {
    const std::uint32_t c = next_character(name);
    if (c >= 0x80 && is_unseen(c)) {
      return fail(Errc::invalid,
                  fmt::format("{} holds a character that does not show (U+{:04X})", what, c));
    }
  }
  return {};
}

bool is_reserved_topic(std::string_view topic) {
  if (!may_be_reserved(topic)) return false;
  const std::string text = decode_unreserved(topic);
  std::string_view path = text;
  path.remove_prefix(scheme_length(path));
  const bool has_scheme = path.size() < text.size();
  bool has_authority = false;
  if (path.starts_with("//")) {
    has_authority = true;
    path.remove_prefix(2);
    path.remove_prefix(std::min(path.find_first_of("/?#"), path.size()));
  }
  path = path.substr(0, path.find_first_of("?#"));
  std::string whole(path);
  if (!has_scheme && !has_authority && !path.starts_with('/')) {
    // Relative: it stands beside the last segment of the hub's path, or is the hub itself.
    whole = path.empty() ? std::string(kHubPath)
                         : std::string(kHubPath.substr(0, kHubPath.rfind('/') + 1)).append(path);
  }
  if (!whole.starts_with('/')) return false;
  const std::string clean = remove_dot_segments(whole);
  return clean == kHubPath || (clean.starts_with(kHubPath) && clean[kHubPath.size()] == '/');
}

}  // namespace sluice::server
