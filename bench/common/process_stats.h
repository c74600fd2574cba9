/// What a process and the machine used, read from /proc.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace sluice::bench {

/// Run time of all threads of `pids`, in ns: user and system, without what a hypervisor stole;
/// it includes the receive work that loopback does inside the sender's send().
std::uint64_t cpu_ns(std::span<const int> pids);
/// The same of each thread, by its id.
std::map<int, std::uint64_t> thread_cpu_ns(std::span<const int> pids);
/// Resident memory of `pids`, in KiB.
std::uint64_t rss_kib(std::span<const int> pids);
/// Ticks (1/100 s) that a hypervisor took from each core since the machine started.
std::vector<std::uint64_t> steal_ticks();

}  // namespace sluice::bench
