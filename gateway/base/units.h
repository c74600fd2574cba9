/// Sizes and durations as people write them: `64_KiB`, "15s", "256MiB".
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice {

inline namespace literals {
constexpr std::size_t operator""_KiB(unsigned long long n) {
  return static_cast<std::size_t>(n) * 1024;
}
constexpr std::size_t operator""_MiB(unsigned long long n) {
  return static_cast<std::size_t>(n) * 1024 * 1024;
}
}  // namespace literals

using Millis = std::chrono::milliseconds;

/// "250ms", "15s", "2m", "1h", "7d". A number without a unit is an error that says so.
Result<Millis> parse_duration(std::string_view text);
/// "512B", "64KiB", "256MiB", "2GiB". A number without a unit is an error that says so.
Result<std::size_t> parse_size(std::string_view text);
/// The shortest exact form: 90000 ms is "90s", 65536 is "64KiB".
std::string format_duration(Millis value);
std::string format_size(std::size_t value);

}  // namespace sluice
