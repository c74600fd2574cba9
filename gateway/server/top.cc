#include "gateway/server/top.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <sys/ioctl.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/server/client.h"

namespace sluice::server {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kClear = "\x1b[H\x1b[2J";
constexpr std::size_t kHeadLines = 6;  // One of them where there are routes.

/// What is not there, or something else than expected, is 0.
double number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string text(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Printable ASCII of a fixed width: names come from anybody.
std::string cell(std::string_view text, std::size_t width) {
  std::string out(text.substr(0, width));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (text.size() > width) out.back() = '~';
  out.resize(width, ' ');
  return out;
}

/// "942", "1.2k", "34M".
std::string amount(double value) {
  constexpr std::array<std::string_view, 5> kUnits{"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1'000;
    ++unit;
  }
  if (unit == 0 || value >= 9.95) return fmt::format("{:.0f}{}", value, kUnits[unit]);
  return fmt::format("{:.1f}{}", value, kUnits[unit]);
}

/// "42s", "17m", "3h", "12d".
std::string span(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f}s", std::floor(seconds));
  if (seconds < 6'000) return fmt::format("{:.0f}m", std::floor(seconds / 60));
  if (seconds < 48 * 3'600) return fmt::format("{:.0f}h", std::floor(seconds / 3'600));
  return fmt::format("{:.0f}d", std::floor(seconds / 86'400));
}

/// The route, or the topics.
std::string what(const Json& stream) {
  if (const std::string route = text(stream, "route"); !route.empty()) return "route " + route;
  const auto topics = stream.find("topics");
  if (topics == stream.end() || !topics->is_array() || topics->empty()) return "-";
  const Json& first = topics->front();
  std::string name = first.is_string() ? first.get<std::string>() : "?";
  const double count = number(stream, "topic_count");
  return count > 1 ? fmt::format("{} +{:.0f}", name, count - 1) : name;
}

std::string state(const Json& stream) {
  const double blocked = number(stream, "socket_blocked_for");
  const std::string name = text(stream, "state");
  return name == "socket_full" ? fmt::format("socket {}", span(blocked)) : name;
}

bool is_narrow(std::size_t columns) {
  return columns < kAllColumns;
}

std::string line(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

std::string heading(std::size_t columns) {
  if (is_narrow(columns)) {
    return line(fmt::format("{:<10} {:<15} {:<20} {:>5} {:>7} {:>6} {}", "ID", "CLIENT",
                            "TOPICS OR ROUTE", "AGE", "LAG", "QUEUED", "STATE"));
  }
  return line(fmt::format("{:<10} {:<15} {:<24} {:>5} {:>6} {:>7} {:>7} {:>6} {}", "ID", "CLIENT",
                          "TOPICS OR ROUTE", "AGE", "SENT", "EVENTS", "LAG", "QUEUED", "STATE"));
}

std::string row(const Json& stream, std::size_t columns) {
  const std::string who =
      fmt::format("{} {}", cell(text(stream, "id"), 10), cell(text(stream, "client"), 15));
  const std::string age = span(number(stream, "age"));
  const std::string waits =
      fmt::format("{:>7} {:>6} {}", amount(number(stream, "lag_events")),
                  amount(number(stream, "queued_bytes")), cell(state(stream), 11));
  if (is_narrow(columns)) {
    return line(fmt::format("{} {} {:>5} {}", who, cell(what(stream), 20), age, waits));
  }
  return line(fmt::format("{} {} {:>5} {:>6} {:>7} {}", who, cell(what(stream), 24), age,
                          amount(number(stream, "bytes")), amount(number(stream, "events")),
                          waits));
}

/// Of all routes together.
struct Relayed {
  double streams = 0;
  double bytes = 0;
  double failures = 0;  ///< Of upstreams.
  double gaps = 0;
};

/// Null: there are no routes.
std::optional<Relayed> relayed(const Json& status) {
  const auto routes = status.find("routes");
  if (routes == status.end() || !routes->is_array()) return std::nullopt;
  Relayed sum;
  for (const Json& route : *routes) {
    if (!route.is_object()) continue;
    sum.streams += number(route, "event_streams");
    sum.bytes += number(route, "sent_bytes_total");
    sum.gaps += number(route, "gaps_total");
    const auto kinds = route.find("failures_total");
    if (kinds == route.end() || !kinds->is_object()) continue;
    for (const Json& kind : *kinds) {
      if (kind.is_number()) sum.failures += kind.get<double>();
    }
  }
  return sum;
}

/// " (12k/s)"; empty: there was no page before this one.
std::string rate(double now, double before, double seconds) {
  if (seconds <= 0) return {};
  return fmt::format(" ({}/s)", amount(std::max(now - before, 0.0) / seconds));
}

std::string totals(const Json& status, std::optional<TopMoment>& before, double seconds) {
  const std::optional<Relayed> routes = relayed(status);
  const TopMoment now{.seconds = seconds,
                      .deliveries = number(status, "deliveries_total"),
                      .relayed_bytes = routes ? routes->bytes : 0};
  const TopMoment then = before.value_or(now);
  before = now;
  const double passed = now.seconds - then.seconds;
  std::string lines = fmt::format(
      "Sluice {}   {:.0f} workers\n"
      "{} streams, {} lagging   {} connections   hub: {} deliveries{}, {} gaps\n",
      cell(text(status, "version"), 8), number(status, "workers"),
      amount(number(status, "streams")), amount(number(status, "streams_lagging")),
      amount(number(status, "connections")), amount(now.deliveries),
      rate(now.deliveries, then.deliveries, passed), amount(number(status, "gaps_total")));
  if (routes) {
    lines += fmt::format("routes: {} streams   {} bytes{}, {} upstream failures, {} gaps\n",
                         amount(routes->streams), amount(routes->bytes),
                         rate(routes->bytes, then.relayed_bytes, passed), amount(routes->failures),
                         amount(routes->gaps));
  }
  return lines;
}

TerminalSize size_of_terminal() {
  TerminalSize known;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return known;
  if (size.ws_row > 0) known.rows = size.ws_row;
  if (size.ws_col > 0) known.columns = size.ws_col;
  return known;
}

/// The first `columns` characters.
std::string_view cut(std::string_view line, std::size_t columns) {
  for (std::size_t i = 0, count = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;
    if (begins && count++ == columns) return line.substr(0, i);
  }
  return line;
}

Result<void> write_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return {};
  }
  return fail(Errc::io,
              fmt::format("cannot write to stdout: {}", std::generic_category().message(errno)));
}

double now_in_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Result<std::string> top_page(std::string_view status, std::string_view streams, double seconds,
                             std::optional<TopMoment>& before, std::size_t columns) {
  const Json totals_json = Json::parse(status, nullptr, false);
  const Json list = Json::parse(streams, nullptr, false);
  const bool is_good = totals_json.is_object() && list.is_object() && list.contains("streams") &&
                       list["streams"].is_array();
  if (!is_good) {
    return fail(Errc::invalid, "this is no admin listener of Sluice; give the URL of [admin]");
  }
  std::string page = totals(totals_json, before, seconds);
  page += '\n' + heading(columns);
  for (const Json& stream : list["streams"]) {
    if (stream.is_object()) page += row(stream, columns);
  }
  return page;
}

std::string fit(std::string_view page, TerminalSize size) {
  std::string out;
  for (std::size_t row = 1; row < std::max<std::size_t>(size.rows, 2) && !page.empty(); ++row) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    out += cut(page.substr(0, end), size.columns);
    out += '\n';
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  return out;
}

int run(const TopCommand& command) {
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const bool repeats = !command.once && is_terminal;
  std::optional<TopMoment> before;
  for (;;) {
    std::size_t limit = command.limit;
    TerminalSize size = size_of_terminal();
    if (repeats) {
      limit = std::min(limit, std::max(size.rows, kHeadLines + 1) - kHeadLines);
    } else {
      size.rows = SIZE_MAX;  // It may scroll.
    }
    const std::string list = fmt::format("/streams?sort={}&limit={}", command.sort, limit);
    const auto status = fetch(command.url, "/status");
    const auto streams = status ? fetch(command.url, list) : status;
    const auto page = streams ? top_page(*status, *streams, now_in_seconds(), before,
                                         is_terminal ? size.columns : kAllColumns)
                              : streams;
    const auto shown = page.and_then([&](const std::string& whole) {
      return write_out(fmt::format("{}{}", repeats ? kClear : std::string_view(),
                                   is_terminal ? fit(whole, size) : whole));
    });
    if (!shown) {
      fmt::print(stderr, "sluice top: {}\n", shown.error().what);
      return 1;
    }
    if (!repeats) return 0;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace sluice::server
