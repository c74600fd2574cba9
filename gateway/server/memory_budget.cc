#include "gateway/server/memory_budget.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/log.h"

namespace sluice::server {
namespace {

constexpr std::array<std::size_t, 4> kBounds{85, 92, 95, 98};  ///< Of no_replay, shed, park, full.

/// The number in a file; none: there is no such file, or "max".
std::size_t limit_in(const std::string& file) {
  std::size_t bytes = 0;
  std::ifstream in(file);
  return in >> bytes ? bytes : std::numeric_limits<std::size_t>::max();
}

/// The least limit of `path` below `folder`, and of all above it. In a container its own cgroup may
/// be shown as the root.
std::size_t least_limit(const std::string& folder, std::string path,
                        const std::vector<std::string>& files) {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (;;) {
    const std::string here = folder + path;
    for (const std::string& file : files) least = std::min(least, limit_in(here + file));
    if (path.empty()) return least;
    path.erase(path.rfind('/'));
  }
}

std::size_t physical_memory(const std::string& root) {
  std::ifstream in(root + "proc/meminfo");
  std::string name;
  std::size_t kib = 0;
  return in >> name >> kib && name == "MemTotal:" ? kib * 1024 : 0;
}

std::size_t percent(std::size_t part, std::size_t whole) {
  return static_cast<std::size_t>(100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string_view advice(MemoryLevel level) {
  switch (level) {
    case MemoryLevel::calm:
      return "all is as usual again";
    case MemoryLevel::no_replay:
      return "streams that are far behind wait; raise limits.memory, or lower history.max_bytes, "
             "limits.connections or limits.streams";
    case MemoryLevel::shed:
      return "idle connections and the slowest readers are told to come back later; look at "
             "sluice_connections and sluice_streams_lagging for who takes it";
    case MemoryLevel::park:
      return "new event streams are told to come back later and /readyz answers 503; add an "
             "instance, or memory and limits.memory";
    case MemoryLevel::full:
      return "no connection is accepted until there is room; add an instance, or memory and "
             "limits.memory";
  }
  return {};
}

}  // namespace

std::size_t memory_of_machine(const std::string& root) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t least = kNone;
  std::ifstream in(root + "proc/self/cgroup");
  // "0::/system.slice/sluice.service" (version 2), "4:memory:/docker/1f" (version 1).
  for (std::string line; std::getline(in, line);) {
    const std::size_t path_at = line.rfind(':') + 1;
    std::string path = line.substr(path_at);
    if (path == "/") path.clear();
    if (line.starts_with("0::")) {
      least = std::min(least,
                       least_limit(root + "sys/fs/cgroup", path, {"/memory.max", "/memory.high"}));
    } else if (line.find(":memory:") != line.npos) {
      least = std::min(
          least, least_limit(root + "sys/fs/cgroup/memory", path, {"/memory.limit_in_bytes"}));
    }
  }
  const std::size_t physical = physical_memory(root);
  // Version 1 writes "none" as a number that no machine has.
  if (least != kNone && (physical == 0 || least < physical)) return least / 4 * 3;
  return physical / 2;
}

std::size_t memory_budget_of(const Config& config) {
  const std::size_t given = config.limits.memory;
  const std::size_t budget = given == kMemoryOfMachine ? memory_of_machine() : given;
  if (const std::size_t history = config.hub.history_bytes; history > budget / 2 && budget > 0) {
    log::warning(
        "history may take {} of the {} of limits.memory, and little is left for clients: lower {}, "
        "or raise limits.memory",
        format_size(history), format_size(budget),
        config.history.journal == Journal::memory ? "history.max_bytes" : "history.window_bytes");
  }
  return budget;
}

MemoryBudget::MemoryBudget(net::Loop& loop, std::size_t bytes, HeapTrim::Allocator allocator,
                           Changed changed)
    : loop_(loop),
      bytes_(bytes),
      allocator_(std::move(allocator)),
      changed_(std::move(changed)),
      timer_(loop, [this] { look(); }) {}

void MemoryBudget::start() {
  timer_.start_periodic(kInterval);
  look();
}

MemoryLevel MemoryBudget::level_at(std::size_t used, int slack) const {
  auto level = MemoryLevel::calm;
  for (std::size_t i = 0; bytes_ > 0 && i < kBounds.size(); ++i) {
    const auto bound = static_cast<double>(kBounds[i]) - static_cast<double>(slack);
    if (static_cast<double>(used) * 100 < bound * static_cast<double>(bytes_)) break;
    level = static_cast<MemoryLevel>(i + 1);
  }
  return level;
}

/// A look that fails says what the last one did.
std::size_t MemoryBudget::measured() {
  const std::size_t resident = allocator_.resident();
  if (resident > 0) used_.store(resident, std::memory_order_relaxed);
  return used();
}

void MemoryBudget::look() {
  (void)loop_.now();
  const MemoryLevel before = level();
  std::size_t used = measured();
  if (level_at(used, 0) != MemoryLevel::calm && loop_.now() >= next_trim_) {
    trim();
    used = measured();
  }
  set_interval();
  if (const MemoryLevel higher = level_at(used, 0); higher > before) return become(higher);
  const MemoryLevel lower = level_at(used, kSlack);
  if (lower >= before) {
    calm_since_.reset();
  } else if (!calm_since_) {
    calm_since_ = loop_.now();
  } else if (loop_.now() - *calm_since_ >= kCalm) {
    become(lower);
  }
}

void MemoryBudget::set_interval() {
  const bool closely = used() / 4 > bytes_ / 5 && bytes_ > 0;
  if (closely == looks_closely_ || !timer_.is_running()) return;
  looks_closely_ = closely;
  timer_.start_periodic(closely ? kClosely : kInterval);
}

/// What malloc has given back it still calls free: only what became free since is worth it.
void MemoryBudget::trim() {
  next_trim_ = loop_.now() + kBetweenTrims;
  const std::size_t free = allocator_.free();
  trimmed_ = std::min(trimmed_, free);
  if (free - trimmed_ < bytes_ / 50) return;
  allocator_.trim();
  trimmed_ = free;
}

void MemoryBudget::become(MemoryLevel level) {
  const bool is_worse = level > this->level();
  calm_since_.reset();
  level_.store(level, std::memory_order_relaxed);
  changes_.fetch_add(1, std::memory_order_relaxed);
  log::write(
      is_worse ? log::Level::warning : log::Level::info,
      fmt::format("memory: {} % of limits.memory, {}, are in use ({}): {}", percent(used(), bytes_),
                  format_size(bytes_), to_string(level), advice(level)));
  changed_(level);
}

}  // namespace sluice::server
