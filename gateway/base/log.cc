#include "gateway/base/log.h"

#include <algorithm>
#include <array>
#include <string>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sluice::log {
namespace {

struct Named {
  std::string_view name;
  spdlog::level::level_enum level;
};

/// In the order of Level.
constexpr std::array<Named, 5> kLevels{
    Named{"debug", spdlog::level::debug}, Named{"info", spdlog::level::info},
    Named{"warning", spdlog::level::warn}, Named{"error", spdlog::level::err},
    Named{"off", spdlog::level::off}};

spdlog::level::level_enum of(Level level) {
  return kLevels[static_cast<std::size_t>(level)].level;
}

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("sluice");
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *instance;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// What a peer sent may be part of a line; it must not be able to begin another.
std::string escaped(std::string_view line) {
  std::string text;
  for (const char c : line) {
    if (is_control(c)) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

Result<Level> parse_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i].name == name) return static_cast<Level>(i);
  }
  return fail(Errc::invalid, fmt::format("\"{}\" is no log level; use debug, info, warning, error "
                                         "or off",
                                         name));
}

void set_level(Level level) {
  logger().set_level(of(level));
}

bool is_on(Level level) {
  return logger().should_log(of(level));
}

void write(Level level, std::string_view line) {
  if (std::none_of(line.begin(), line.end(), is_control)) {
    logger().log(of(level), line);
  } else {
    logger().log(of(level), escaped(line));
  }
}

}  // namespace sluice::log
