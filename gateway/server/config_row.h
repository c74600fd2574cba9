/// Row: one option of the configuration file; Make<Owner> builds rows from one line each.
///
/// A row knows its key, its kind, its range, its help, and how to set and to show its member of an
/// Owner (Config, or the entry of an array of tables). It knows nothing of TOML.
/// Thread  main, before start.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice::server {

/// `{ x-tenant = "a" }`: names with a text each, by name.
using TextTable = std::vector<std::pair<std::string, std::string>>;

/// What can stand to the right of a '='. std::monostate is anything else: a date, a table of other
/// things, …
using Value = std::variant<std::monostate, bool, std::int64_t, std::string,
                           std::vector<std::string>, TextTable>;

template <class Owner>
struct Row {
  std::string_view key;   ///< "timeouts.handshake"; in an array's table only "address".
  std::string_view type;  ///< "duration"
  std::string range;      ///< "1s to 10m"; may be empty.
  std::string_view help;
  std::function<Result<void>(Owner&, const Value&)> set;
  std::function<std::string(const Owner&)> show;
  bool is_live = false;  ///< A reload takes it over (config_changes.h).
};

/// Marks a row as one that a reload takes over.
template <class Owner>
Row<Owner> live(Row<Owner> row) {
  row.is_live = true;
  return row;
}

template <class T>
struct Range {
  T least;
  T most;
};

inline Range<std::size_t> from(std::size_t least) {
  return {least, std::numeric_limits<std::int64_t>::max()};
}

template <class T>
Result<T> in_range(T value, Range<T> range, std::string (*text)(T)) {
  if (value >= range.least && value <= range.most) return value;
  const bool is_low = value < range.least;
  return fail(Errc::invalid,
              fmt::format("{} is {} the {}, {}", text(value), is_low ? "below" : "above",
                          is_low ? "least" : "most", text(is_low ? range.least : range.most)));
}

inline std::string format_count(std::size_t value) {
  return std::to_string(value);
}

/// `at` are accessors, `[](auto& owner) -> auto& { return owner.member; }`: all are set, the first
/// is shown.
template <class Owner>
struct Make {
  template <class... At>
  static Row<Owner> flag(std::string_view key, std::string_view help, At... at) {
    return {
        key,
        "boolean",
        "",
        help,
        [=](Owner& owner, const Value& value) -> Result<void> {
          const auto* given = std::get_if<bool>(&value);
          if (given == nullptr) return fail(Errc::invalid, "must be true or false");
          (assign(at(owner), *given), ...);
          return {};
        },
        [=](const Owner& owner) { return std::string(first(owner, at...) ? "true" : "false"); }};
  }

  template <class... At>
  static Row<Owner> count(std::string_view key, Range<std::size_t> range, std::string_view help,
                          At... at) {
    return {key,
            "integer",
            range_text(range, format_count),
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto* given = std::get_if<std::int64_t>(&value);
              if (given == nullptr) return fail(Errc::invalid, "must be a whole number");
              if (*given < 0) {
                return fail(Errc::invalid,
                            fmt::format("{} is below the least, {}", *given, range.least));
              }
              return in_range(static_cast<std::size_t>(*given), range, format_count)
                  .map([&](std::size_t good) { (assign(at(owner), good), ...); });
            },
            [=](const Owner& owner) { return fmt::format("{}", first(owner, at...)); }};
  }

  template <class... At>
  static Row<Owner> size(std::string_view key, Range<std::size_t> range, std::string_view help,
                         At... at) {
    return {key,
            "size",
            range_text(range, format_size),
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto text = text_of(value, "a size", "64KiB");
              if (!text) return tl::unexpected(text.error());
              return parse_size(*text)
                  .and_then([&](std::size_t size) { return in_range(size, range, format_size); })
                  .map([&](std::size_t good) { (assign(at(owner), good), ...); });
            },
            [=](const Owner& owner) {
              return format_size(static_cast<std::size_t>(first(owner, at...)));
            }};
  }

  template <class... At>
  static Row<Owner> duration(std::string_view key, Range<Millis> range, std::string_view help,
                             At... at) {
    return {key,
            "duration",
            range_text(range, format_duration),
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto text = text_of(value, "a duration",
                                        format_duration(std::min(range.most, Millis(15'000))));
              if (!text) return tl::unexpected(text.error());
              return parse_duration(*text)
                  .and_then([&](Millis time) { return in_range(time, range, format_duration); })
                  .map([&](Millis good) { (assign(at(owner), good), ...); });
            },
            [=](const Owner& owner) {
              return format_duration(std::chrono::duration_cast<Millis>(first(owner, at...)));
            }};
  }

  template <class At>
  static Row<Owner> text(std::string_view key, std::string_view help, At at) {
    return {key,
            "string",
            "",
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto* given = std::get_if<std::string>(&value);
              if (given == nullptr) return fail(Errc::invalid, "must be a string");
              if (given->empty()) return fail(Errc::invalid, "must not be empty");
              at(owner) = *given;
              return {};
            },
            [=](const Owner& owner) { return std::string(at(owner)); }};
  }

  template <class At>
  static Row<Owner> list(std::string_view key, std::string_view help, At at) {
    return {key,
            "array of strings",
            "",
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto* given = std::get_if<std::vector<std::string>>(&value);
              if (const auto* one = std::get_if<std::string>(&value)) {
                return fail(Errc::invalid,
                            fmt::format("must be an array of strings: [\"{}\"]", *one));
              }
              if (given == nullptr) return fail(Errc::invalid, "must be an array of strings");
              at(owner) = *given;
              return {};
            },
            [=](const Owner& owner) { return fmt::format("{}", fmt::join(at(owner), ", ")); }};
  }

  /// A list that may also be one string alone.
  template <class At>
  static Row<Owner> one_or_more(std::string_view key, std::string_view example,
                                std::string_view help, At at) {
    Row<Owner> row = list(key, help, at);
    row.type = "string or array of strings";
    row.set = [=](Owner& owner, const Value& value) -> Result<void> {
      const auto* one = std::get_if<std::string>(&value);
      const auto* many = std::get_if<std::vector<std::string>>(&value);
      if (one != nullptr) {
        at(owner) = {*one};
      } else if (many != nullptr && !many->empty()) {
        at(owner) = *many;
      } else {
        return fail(Errc::invalid,
                    fmt::format("must be a string or an array of strings, as in \"{}\"", example));
      }
      return {};
    };
    return row;
  }

  /// One of some names, each with the value it stands for.
  template <class T, class At>
  static Row<Owner> choice(std::string_view key, std::vector<std::pair<std::string_view, T>> names,
                           std::string_view help, At at) {
    std::string all;
    for (const auto& [name, meant] : names) {
      all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", name);
    }
    return {key,
            "string",
            all,
            help,
            [=](Owner& owner, const Value& value) -> Result<void> {
              const auto* given = std::get_if<std::string>(&value);
              for (const auto& [name, meant] : names) {
                if (given == nullptr || *given != name) continue;
                at(owner) = meant;
                return {};
              }
              return fail(Errc::invalid, fmt::format("must be one of {}", all));
            },
            [=](const Owner& owner) {
              const auto is_it = [&](const auto& row) { return row.second == at(owner); };
              return std::string(std::find_if(names.begin(), names.end(), is_it)->first);
            }};
  }

  /// An array of tables, which have rows of their own; it is not set through this row.
  static Row<Owner> tables(std::string_view key, std::string_view type, std::string_view help) {
    return {key, type, "", help, nullptr, [](const Owner&) { return std::string(); }};
  }

 private:
  template <class At, class... More>
  static const auto& first(const Owner& owner, At at, More...) {
    return at(owner);
  }

  template <class Member, class T>
  static void assign(Member& member, T value) {
    if constexpr (std::integral<Member>) {
      member = static_cast<Member>(value);
    } else {
      member = std::chrono::duration_cast<Member>(value);
    }
  }

  static Result<std::string> text_of(const Value& value, std::string_view kind,
                                     std::string_view example) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      return fail(Errc::invalid,
                  fmt::format("{} needs quotes and a unit, as in \"{}\"", *number, example));
    }
    return fail(Errc::invalid, fmt::format("must be {}, as in \"{}\"", kind, example));
  }

  template <class T>
  static std::string range_text(Range<T> range, std::string (*text)(T)) {
    if constexpr (std::same_as<T, std::size_t>) {
      if (range.most == from(0).most) return fmt::format("from {}", text(range.least));
    }
    return fmt::format("{} to {}", text(range.least), text(range.most));
  }
};

}  // namespace sluice::server
