/// Clock: where time comes from, so that tests can move it.
///
/// Thread  each clock belongs to one thread, except SteadyClock, which has no state.
#pragma once

#include <chrono>

namespace sluice {

using TimePoint = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;  ///< For intervals; never goes back.
  [[nodiscard]] virtual WallTime wall() const = 0;  ///< For tokens and logs.
};

class SteadyClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

/// Stands still until it is told to advance.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_ += tick_; }
  [[nodiscard]] WallTime wall() const override { return wall_; }
  /// Goes on by so much at each look, as a real one does.
  void tick(Duration each) { tick_ = each; }
  void advance(Duration by) {
    now_ += by;
    wall_ += std::chrono::duration_cast<WallTime::duration>(by);
  }
  void set_wall(WallTime wall) { wall_ = wall; }

 private:
  mutable TimePoint now_{std::chrono::hours(1)};
  Duration tick_{};
  WallTime wall_{std::chrono::hours(24 * 365 * 50)};
};

}  // namespace sluice
