/// The program's log: one line per entry on stderr.
///
///   log::info("listening on {}", address);
///
/// Thread  any.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/result.h"

namespace sluice::log {

enum class Level { debug, info, warning, error, off };

/// "debug", "info", "warning", "error" or "off".
Result<Level> parse_level(std::string_view name);
void set_level(Level level);
[[nodiscard]] bool is_on(Level level);
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> form, Args&&... args) {
  if (is_on(Level::debug)) write(Level::debug, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> form, Args&&... args) {
  if (is_on(Level::info)) write(Level::info, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> form, Args&&... args) {
  if (is_on(Level::warning)) write(Level::warning, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> form, Args&&... args) {
  if (is_on(Level::error)) write(Level::error, fmt::format(form, std::forward<Args>(args)...));
}

}  // namespace sluice::log
