#include "bench/load/usage.h"

#include <algorithm>
#include <array>
#include <unistd.h>

#include <fmt/core.h>

#include "bench/common/process_stats.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kTickNs = 10'000'000;  // USER_HZ is 100
constexpr double kMiB = 1'048'576;

}  // namespace

Usage Usage::now(const Options& options) {
  const std::array<int, 1> own{getpid()};
  return {now_ns(), cpu_ns(options.server_pids), cpu_ns(own), bench::steal_ticks(),
          RedisWork::now(options.redis_port)};
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string json_steal(const Usage& from, const Usage& to) {
  std::string list;
  for (std::size_t core = 0; core < std::min(from.steal_ticks.size(), to.steal_ticks.size());
       ++core) {
    const auto ticks = to.steal_ticks[core] - from.steal_ticks[core];
    list += fmt::format("{}{:.3f}", list.empty() ? "" : ", ",
                        share(ticks * kTickNs, to.at_ns - from.at_ns));
  }
  return "[" + list + "]";
}

std::string json_redis(const Usage& from, const Usage& to, std::uint64_t events) {
  const RedisWork work = to.redis - from.redis;
  if (work.commands == 0) return "{}";
  return fmt::format(
      R"({{"busy": {:.4f}, "cpu_s": {:.4f}, "cpu_us_per_event": {:.4f}, "commands": {}, )"
      R"("commands_per_event": {:.4f}, "in_mib": {:.4f}, "out_mib": {:.4f}}})",
      share(work.cpu_ns, to.at_ns - from.at_ns), static_cast<double>(work.cpu_ns) / 1e9,
      share(work.cpu_ns, events) / 1e3, work.commands, share(work.commands, events),
      static_cast<double>(work.in_bytes) / kMiB, static_cast<double>(work.out_bytes) / kMiB);
}

void add_faults(Faults& faults, const Audience& audience, std::size_t streams,
                std::span<const std::uint32_t> published) {
  faults["gaps"] += audience.ledger.gaps(published);
  add_faults(faults, audience, streams);
}

void add_faults(Faults& faults, const Audience& audience, std::size_t streams) {
  const auto& counts = audience.counts;
  const auto& order = audience.ledger.faults();
  faults["duplicates"] += order.duplicates;
  faults["out_of_order"] += order.out_of_order;
  faults["foreign"] += counts.foreign;
  faults["damaged"] += counts.damaged;
  faults["connect_failed"] += counts.connect_failed;
  faults["non_200"] += counts.non_200;
  faults["streams_reset"] += counts.streams_reset;
  faults["streams_ended"] += counts.streams_ended;
  faults["connections_lost"] += counts.connections_lost;
  faults["streams_not_ready"] += streams - std::min(streams, counts.streams_ready);
}

bool is_clean(const Faults& faults) {
  return std::all_of(faults.begin(), faults.end(), [](const auto& it) { return it.second == 0; });
}

std::string json_of(const Faults& faults) {
  std::string members;
  for (const auto& [name, count] : faults) {
    members += fmt::format("{}\"{}\": {}", members.empty() ? "" : ", ", name, count);
  }
  return "{" + members + "}";
}

std::string text_of(const Faults& faults) {
  std::string text;
  for (const auto& [name, count] : faults) {
    if (count > 0) text += fmt::format(" {} {}", count, name);
  }
  return text.empty() ? " none" : text;
}

}  // namespace sluice::bench
