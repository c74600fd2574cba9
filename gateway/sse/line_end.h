/// Where a line of an event stream ends.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::sse {

/// The first CR or LF; npos when there is none. As find_first_of("\r\n"), but not character by
/// character.
inline std::size_t find_line_end(std::string_view text) {
  // In steps: a text whose lines all end in CR is not gone through to its end for each of them.
  constexpr std::size_t kStep = 256;
  for (std::size_t at = 0; at < text.size(); at += kStep) {
    const std::string_view step = text.substr(at, kStep);
    const std::size_t lf = step.find('\n');
    const std::size_t cr = step.substr(0, lf).find('\r');
    if (cr != std::string_view::npos) return at + cr;
    if (lf != std::string_view::npos) return at + lf;
  }
  return std::string_view::npos;
}

}  // namespace sluice::sse
