/// Pace: at most so many events per second, for one subscription.
///
/// A bucket of tokens: it fills at the rate and holds a twentieth of a second's worth, one at
/// least. Owner   its Subscription. Thread  the hub's worker only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/base/timer_wheel.h"

namespace sluice::hub {

class Pace final : private Deadline {
 public:
  /// `on_time`: there may be a token again.
  Pace(std::size_t per_second, TimePoint now, std::function<void()> on_time)
      : interval_(std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) /
                  static_cast<Duration::rep>(per_second)),
        burst_(std::max<std::size_t>(1, per_second / 20)),
        full_at_(now),
        on_time_(std::move(on_time)) {}

  /// How many may be taken now.
  [[nodiscard]] std::size_t tokens(TimePoint now) const {
    if (full_at_ <= now) return burst_;
    const auto missing =
        static_cast<std::size_t>((full_at_ - now + interval_ - Duration(1)) / interval_);
    return missing >= burst_ ? 0 : burst_ - missing;
  }
  void spend(TimePoint now) { full_at_ = std::max(full_at_, now) + interval_; }
  /// Calls `on_time` when there is a token.
  void wait(TimerWheel& wheel) {
    wheel.arm(*this, full_at_ - interval_ * static_cast<Duration::rep>(burst_ - 1));
  }
  void stop_waiting() { cancel(); }

 private:
  void on_deadline(TimePoint) override { on_time_(); }

  const Duration interval_;
  const std::size_t burst_;
  TimePoint full_at_;  ///< When no token will be missing.
  const std::function<void()> on_time_;
};

}  // namespace sluice::hub
