#include "gateway/relay/path.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "gateway/base/ascii.h"

namespace sluice::relay {
namespace {

/// The byte that "%XX" at `at` stands for; -1: there is none.
int escaped_byte(std::string_view path, std::size_t at) {
  if (path[at] != '%' || path.size() - at < 3) return -1;
  const int high = hex_digit(path[at + 1]);
  const int low = hex_digit(path[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool has_escape_of(std::string_view path, std::string_view bytes) {
  for (std::size_t at = path.find('%'); at != path.npos; at = path.find('%', at + 1)) {
    const int byte = escaped_byte(path, at);
    if (byte >= 0 && bytes.find(static_cast<char>(byte)) != bytes.npos) return true;
  }
  return false;
}

/// Adds what the character or the escape at `at` is compared as; where the next one begins.
std::size_t add_canonical(std::string_view path, std::size_t at, std::string& result) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const int byte = escaped_byte(path, at);
  if (byte < 0) {
    // Of a '%' that is none's, what another escape becomes must not make one.
    result += path[at] == '%' ? std::string_view("%25") : path.substr(at, 1);
    return at + 1;
  }
  const bool stays = byte <= ' ' || byte == 0x7f || byte == '/' || byte == '\\' || byte == '%';
  if (stays) {
    const auto value = static_cast<std::size_t>(byte);
    result += {'%', kHex[value / 16], kHex[value % 16]};
  } else {
    result += static_cast<char>(byte);
  }
  return at + 3;
}

/// Where "%2F" or "%5C" is; npos: nowhere. `path` is canonical.
std::size_t find_escaped_slash(std::string_view path, std::size_t from = 0) {
  return std::min(path.find("%2F", from), path.find("%5C", from));
}

/// Read as a slash it makes an empty segment, or ends a parameter, which some take away first.
bool is_awkward(std::string_view path, std::size_t escaped_slash) {
  const std::string_view before = path.substr(0, escaped_slash);
  const std::string_view behind = path.substr(escaped_slash + 3);
  const std::string_view segment = before.substr(before.rfind('/') + 1);
  return segment.empty() || behind.substr(0, 1) == "/" || find_escaped_slash(behind) == 0 ||
         segment.find(';') != segment.npos;
}

bool is_dots(std::string_view segment) {
  // What stands behind a ';' is a parameter to some servers, which take it away first.
  segment = segment.substr(0, segment.find(';'));
  return segment == "." || segment == "..";
}

/// One '/' at the front, escaped or not: what begins with two is the name of a server to some.
std::string with_one_slash(std::string_view path) {
  for (;;) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const int byte = path.empty() ? -1 : escaped_byte(path, 0);
    if (byte != '/' && byte != '\\') return '/' + std::string(path);
    path.remove_prefix(3);
  }
}

}  // namespace

bool is_prefix_pattern(std::string_view pattern) {
  return !pattern.empty() && pattern.back() == '*';
}

std::string canonical_path(std::string_view path) {
  std::string result;
  result.reserve(path.size());
  for (std::size_t at = 0; at < path.size();) at = add_canonical(path, at, result);
  return result;
}

std::optional<std::string_view> match_path(std::string_view pattern, std::string_view path) {
  const bool is_prefix = is_prefix_pattern(pattern);
  const std::string fixed = canonical_path(pattern.substr(0, pattern.size() - (is_prefix ? 1 : 0)));
  std::string begin;
  std::size_t at = 0;
  while (at < path.size() && begin.size() < fixed.size()) at = add_canonical(path, at, begin);
  if (begin != fixed || (!is_prefix && at != path.size())) return std::nullopt;
  return path.substr(at);
}

bool has_control_escape(std::string_view path) {
  constexpr std::array<char, 3> kBytes{'\0', '\r', '\n'};
  return has_escape_of(path, {kBytes.data(), kBytes.size()});
}

bool has_escaped_slash(std::string_view path) {
  return has_escape_of(path, "/\\");
}

std::string path_with_slashes(std::string_view path) {
  std::string result;
  result.reserve(path.size());
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(find_escaped_slash(path, at), path.size());
    result += path.substr(at, end - at);
    if (end < path.size()) result += '/';
    at = end + 3;
  }
  return result;
}

std::string path_without_parameters(std::string_view path) {
  std::string plain;
  bool is_parameter = false;
  for (const char c : path) {
    if (c == '/') {
      is_parameter = false;
      if (plain.ends_with('/')) continue;
    } else if (c == ';') {
      is_parameter = true;
    }
    if (!is_parameter) plain += c;
  }
  return plain;
}

bool is_ambiguous(std::string_view path) {
  for (std::size_t at = find_escaped_slash(path); at != path.npos;
       at = find_escaped_slash(path, at + 3)) {
    if (is_awkward(path, at)) return true;
  }
  const std::string slashes = path_with_slashes(path);
  std::string_view rest = slashes;
  while (!rest.empty()) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    if (is_dots(segment)) return true;
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
  }
  return false;
}

bool needs_plain_path(const RouteOptions& route) {
  return is_prefix_pattern(route.path) || !route.strip_prefix.empty() || !route.rewrite.empty();
}

bool leads_astray(std::string_view path) {
  const std::string canonical = canonical_path(path);
  return is_ambiguous(canonical) || canonical.compare(0, 2, "/;") == 0;
}

std::string upstream_path(const RouteOptions& route, std::string_view path) {
  if (!route.rewrite.empty()) {
    if (!is_prefix_pattern(route.rewrite)) return route.rewrite;
    const std::string_view taken = match_path(route.path, path).value_or(std::string_view());
    return with_one_slash(route.rewrite.substr(0, route.rewrite.size() - 1).append(taken));
  }
  if (route.strip_prefix.empty()) return std::string(path);
  const auto rest = match_path(route.strip_prefix + '*', path);
  return rest ? with_one_slash(*rest) : std::string(path);
}

}  // namespace sluice::relay
