#include "gateway/http/date.h"

#include <array>
#include <chrono>
#include <string>

#include <fmt/core.h>

namespace sluice::http {
namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string format(std::chrono::sys_seconds now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(now - day);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays.at(std::chrono::weekday(day).c_encoding()),
      static_cast<unsigned>(date.day()), kMonths.at(static_cast<unsigned>(date.month()) - 1),
      static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
      time.seconds().count());
}

}  // namespace

std::string_view http_date(WallTime now) {
  struct Cache {
    std::chrono::sys_seconds second;
    std::string text;
  };
  thread_local Cache cache;
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  if (second != cache.second || cache.text.empty()) cache = {second, format(second)};
  return cache.text;
}

}  // namespace sluice::http
