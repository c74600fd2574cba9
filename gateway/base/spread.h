/// Spread: so many things that have to end, one by one, evenly over a time.
///
/// Those who hold the streams that end come back at once: together they would be a storm.
///
/// Owner   whoever ends them. Thread  its owner's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "gateway/base/clock.h"

namespace sluice {

class Spread {
 public:
  /// It begins `now`; after `window` nothing is left.
  Spread(TimePoint now, Duration window, std::size_t count)
      : begin_(now), window_(window), count_(count) {}

  /// How many more have to end by now; it is taken that they do.
  [[nodiscard]] std::size_t take_due(TimePoint now) {
    std::size_t due = count_;
    if (!is_over(now)) {
      const auto part =
          static_cast<double>((now - begin_).count()) / static_cast<double>(window_.count());
      due = std::min(count_, static_cast<std::size_t>(part * static_cast<double>(count_)));
    }
    const std::size_t more = due - std::min(due, taken_);
    taken_ += more;
    return more;
  }
  [[nodiscard]] bool is_over(TimePoint now) const { return now >= begin_ + window_; }
  /// When to look again.
  [[nodiscard]] TimePoint next(TimePoint now) const {
    const TimePoint end = begin_ + window_;
    if (now >= end || count_ == 0) return std::max(now, end);
    const Duration step = window_ / static_cast<Duration::rep>(count_);
    return std::min(end, now + std::max<Duration>(step, std::chrono::milliseconds(20)));
  }

 private:
  TimePoint begin_;
  Duration window_;
  std::size_t count_;
  std::size_t taken_ = 0;
};

}  // namespace sluice
