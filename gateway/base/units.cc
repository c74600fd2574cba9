#include "gateway/base/units.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

constexpr std::array kTime{Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                           Unit{"s", 1'000}, Unit{"ms", 1}};
constexpr std::array kBytes{Unit{"GiB", 1ULL << 30}, Unit{"MiB", 1ULL << 20},
                            Unit{"KiB", 1ULL << 10}, Unit{"B", 1}};

template <std::size_t N>
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units,
                            std::string_view example) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) {
    return fail(Errc::invalid, fmt::format("\"{}\" is too large", text));
  }
  if (error != std::errc{}) {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is not a number with a unit, as in \"{}\"", text, example));
  }
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > kLargest / unit.factor) {
      return fail(Errc::invalid, fmt::format("\"{}\" is too large", text));
    }
    return number * unit.factor;
  }
  return fail(Errc::invalid, fmt::format("\"{}\" needs a unit, as in \"{}\"", text, example));
}

template <std::size_t N>
std::string format(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return fmt::format("{}{}", value / unit.factor, unit.name);
    }
  }
  return fmt::format("0{}", units.back().name);
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  return parse(text, kTime, "15s").map([](std::uint64_t ms) {
    return Millis(static_cast<Millis::rep>(ms));
  });
}

Result<std::size_t> parse_size(std::string_view text) {
  return parse(text, kBytes, "64KiB").map([](std::uint64_t bytes) {
    return static_cast<std::size_t>(bytes);
  });
}

std::string format_duration(Millis value) {
  return value == Millis(0) ? "0s" : format(static_cast<std::uint64_t>(value.count()), kTime);
}

std::string format_size(std::size_t value) {
  return format(value, kBytes);
}

}  // namespace sluice
