/// MemoryBudget: looks at what the process uses, and says how much of limits.memory that is.
///
///   of the budget   level       what the workers do (server/worker.cc, server/subscribe.cc)
///   85 %            no_replay   history is not read for those who are far behind
///   92 %            shed        who is idle for longest, and who reads slowest, is sent away
///   95 %            park        newcomers are read a few at a time, and told to come back;
///                               /readyz is 503
///   98 %            full        nobody is accepted, and what would hold memory is refused
///
/// It rises at once, and falls when use was kSlack below it for kCalm: so it does not flap around a
/// bound. What became free in the heap is given back before it rises, but not twice within
/// kBetweenTrims: whoever allocates waits.
/// What is looked at is resident memory without mapped files. What the kernel holds for sockets is
/// not in it; limits.kernel_unsent bounds that for each connection.
///
/// Owner   server::Gateway. Thread  control. `changed` is called from inside look().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "gateway/base/units.h"
#include "gateway/net/timer.h"
#include "gateway/server/config.h"
#include "gateway/server/heap_trim.h"
#include "gateway/server/memory_level.h"

namespace sluice::server {

/// What a machine has for us: the least memory.max and memory.high of our cgroup and of those above
/// it, of which we take three quarters (kernel buffers count there, too), or half of the physical
/// memory. `root` is "/", but in tests. 0: it cannot be told.
std::size_t memory_of_machine(const std::string& root = "/");
/// limits.memory in bytes. Says so when history alone may fill most of it.
std::size_t memory_budget_of(const Config& config);

class MemoryBudget {
 public:
  static constexpr Millis kInterval{100};
  static constexpr Millis kClosely{20};  ///< Between two looks, where less than a fifth is left.
  static constexpr Millis kBetweenTrims{500};
  static constexpr int kSlack = 3;  ///< Per cent.
  static constexpr Duration kCalm = std::chrono::seconds(1);

  using Changed = std::function<void(MemoryLevel)>;

  /// `bytes` 0: no limit; then nothing is looked at.
  MemoryBudget(net::Loop& loop, std::size_t bytes, HeapTrim::Allocator allocator, Changed changed);
  void start();
  void stop() { timer_.stop(); }
  /// What the timer calls.
  void look();

  // Any thread.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] MemoryLevel level() const { return level_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }

 private:
  /// The highest level that so much use reaches, with bounds that are `slack` per cent lower.
  [[nodiscard]] MemoryLevel level_at(std::size_t used, int slack) const;
  [[nodiscard]] std::size_t measured();
  void trim();
  void set_interval();
  void become(MemoryLevel level);

  net::Loop& loop_;
  const std::size_t bytes_;
  const HeapTrim::Allocator allocator_;
  const Changed changed_;
  net::Timer timer_;
  TimePoint next_trim_{};
  std::size_t trimmed_ = 0;  ///< Of what malloc calls free: what was given back already.
  std::optional<TimePoint> calm_since_;  ///< Use is far enough below the level.
  bool looks_closely_ = false;
  // Any thread; written by control.
  std::atomic<std::size_t> used_{0};
  std::atomic<MemoryLevel> level_{MemoryLevel::calm};
  std::atomic<std::uint64_t> changes_{0};
};

}  // namespace sluice::server
