#include "gateway/base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include "gateway/base/ascii.h"

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
  std::string_view others;  ///< What people write for it, in lower case, between blanks.
};

constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();

constexpr std::array kTime{Unit{"d", 86'400'000, " d day days "},
                           Unit{"h", 3'600'000, " h hr hrs hour hours "},
                           Unit{"m", 60'000, " m min mins minute minutes "},
                           Unit{"s", 1'000, " s sec secs second seconds "},
                           Unit{"ms", 1, " ms msec msecs millis millisecond milliseconds "}};
constexpr std::array kBytes{Unit{"GiB", 1ULL << 30, " g gb gib "},
                            Unit{"MiB", 1ULL << 20, " m mb mib "},
                            Unit{"KiB", 1ULL << 10, " k kb kib "}, Unit{"B", 1, " b byte bytes "}};

/// `name` is none of `units`: which there are, and which it may be.
template <std::size_t N>
std::string unknown_unit(std::string_view text, std::string_view number, std::string_view name,
                         const std::array<Unit, N>& units) {
  std::string all;
  for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
    all += fmt::format("{}{}", all.empty() ? "" : ", ", unit->name);
  }
  std::string said = fmt::format("\"{}\" has none of the units {}", text, all);
  const std::size_t first = std::min(name.find_first_not_of(' '), name.size());
  const std::string wanted = fmt::format(" {} ", to_lower(name.substr(first)));
  for (const Unit& unit : units) {
    if (unit.others.find(wanted) == unit.others.npos) continue;
    return said + fmt::format("; did you mean \"{}{}\"?", number, unit.name);
  }
  return said;
}

template <std::size_t N>
Result<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units,
                            std::string_view example) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range) {
    return fail(Errc::invalid, fmt::format("\"{}\" is too large", text));
  }
  if (text.starts_with('-')) return fail(Errc::invalid, fmt::format("\"{}\" is negative", text));
  if (error != std::errc{}) {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is not a number with a unit, as in \"{}\"", text, example));
  }
  const std::size_t digits = static_cast<std::size_t>(end - text.data());
  const std::string_view name = text.substr(digits);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > kLargest / unit.factor) {
      return fail(Errc::invalid, fmt::format("\"{}\" is too large", text));
    }
    return number * unit.factor;
  }
  if (name.empty()) {
    return fail(Errc::invalid, fmt::format("\"{}\" needs a unit, as in \"{}\"", text, example));
  }
  if (name.front() == '.' || name.front() == ',') {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is not a whole number; take a smaller unit", text));
  }
  return fail(Errc::invalid, unknown_unit(text, text.substr(0, digits), name, units));
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
