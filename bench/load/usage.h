/// Usage: what the servers, this program, a hypervisor and Redis had used up to one moment.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/redis_work.h"
#include "bench/load/audience.h"
#include "bench/load/options.h"

namespace sluice::bench {

struct Usage {
  std::uint64_t at_ns = 0;
  std::uint64_t server_cpu_ns = 0;
  std::uint64_t own_cpu_ns = 0;
  std::vector<std::uint64_t> steal_ticks;
  RedisWork redis;  ///< Of the one that the servers share, where there is one.

  /// Of the processes, and the Redis, that `options` name.
  static Usage now(const Options& options);
};

/// Part by whole; 0 when there is no whole.
double share(std::uint64_t part, std::uint64_t whole);
/// The share of each core that a hypervisor took between two moments, as a JSON array.
std::string json_steal(const Usage& from, const Usage& to);

/// What Redis did between two moments in which there were so many events, as a JSON object; empty
/// where there is none.
std::string json_redis(const Usage& from, const Usage& to, std::uint64_t events);

/// What must be 0, by name.
using Faults = std::map<std::string, std::uint64_t, std::less<>>;
/// Adds what subscribers saw, of `streams` that were each to have the first `published[p]` events
/// of publisher p.
void add_faults(Faults& faults, const Audience& audience, std::size_t streams,
                std::span<const std::uint32_t> published);
/// The same without gaps.
void add_faults(Faults& faults, const Audience& audience, std::size_t streams);
bool is_clean(const Faults& faults);
std::string json_of(const Faults& faults);
/// Those that are not 0.
std::string text_of(const Faults& faults);

}  // namespace sluice::bench
