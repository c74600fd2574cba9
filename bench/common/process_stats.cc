#include "bench/common/process_stats.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>

#include <fmt/core.h>

namespace sluice::bench {

std::map<int, std::uint64_t> thread_cpu_ns(std::span<const int> pids) {
  std::map<int, std::uint64_t> threads;
  for (const int pid : pids) {
    std::error_code gone;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
      std::ifstream(task.path() / "schedstat") >> threads[std::stoi(task.path().filename())];
    }
  }
  return threads;
}

std::uint64_t cpu_ns(std::span<const int> pids) {
  const auto threads = thread_cpu_ns(pids);
  return std::accumulate(threads.begin(), threads.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& thread) { return sum + thread.second; });
}

std::uint64_t rss_kib(std::span<const int> pids) {
  std::uint64_t sum = 0;
  for (const int pid : pids) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string word; status >> word;) {
      if (word != "VmRSS:") continue;
      std::uint64_t kib = 0;
      status >> kib;
      sum += kib;
      break;
    }
  }
  return sum;
}

std::vector<std::uint64_t> steal_ticks() {
  std::vector<std::uint64_t> ticks;
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (!line.starts_with("cpu") || std::isdigit(static_cast<unsigned char>(line[3])) == 0)
      continue;
    std::istringstream fields(line);
    std::string name;
    std::uint64_t user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
    fields >> name >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal;
    ticks.push_back(steal);
  }
  return ticks;
}

}  // namespace sluice::bench
