/// Target: the second word of a request line, taken apart (RFC 9112 §3.2).
///
/// Thread  plain values.
#pragma once

#include <optional>
#include <string_view>

namespace sluice::h1 {

/// The views are into the text that was parsed.
struct Target {
  std::string_view authority;  ///< Of the absolute form; else empty.
  std::string_view path;       ///< Begins with '/'.
  std::string_view query;      ///< Without '?'.
};

/// Knows the origin form and, with http or https, the absolute form. None for anything else, and
/// for what an URI cannot hold or servers read in different ways: '#', '\\', controls, bytes ≥
/// 0x80.
std::optional<Target> parse_target(std::string_view text);

/// True for `host` and `host:port` as an authority has them: not empty, no userinfo, no list.
bool is_authority(std::string_view text);

}  // namespace sluice::h1
