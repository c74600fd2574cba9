/// Gathering: a busy worker waits a moment for more events before it writes to everybody.
///
/// A flush to a thousand connections costs the same thousand writes for one event as for ten. When
/// the last flush took longer than 0.2 ms, and ended less than its own time ago, the next one waits
/// for a quarter of that time, 0.2 ms at most: what comes meanwhile shares its writes. So a worker
/// that is busy less than half of the time never waits, and no event waits twice.
///
/// Owner   the worker. Thread  its own.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/base/clock.h"

namespace sluice::server {

class Gathering {
 public:
  /// The longest wait; and shorter flushes are not worth one.
  static constexpr Duration kLongest = std::chrono::microseconds(200);

  /// There are events to be written: how long to wait for more. Zero: write now.
  [[nodiscard]] Duration wait(TimePoint now) {
    if (std::exchange(has_waited_, false)) return Duration::zero();
    const bool is_busy = last_ > kLongest && now - flushed_at_ < last_;
    if (!is_busy) return Duration::zero();
    has_waited_ = true;
    return std::min(kLongest, last_ / 4);
  }
  /// Events were written.
  void flushed(TimePoint from, TimePoint to) {
    last_ = to - from;
    flushed_at_ = to;
  }

 private:
  Duration last_{};         ///< What the last flush took.
  TimePoint flushed_at_{};  ///< When it ended.
  bool has_waited_ = false;
};

}  // namespace sluice::server
