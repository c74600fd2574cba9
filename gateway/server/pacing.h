/// Pacing: whether a worker is busy enough to let connections wait for more relayed events.
///
/// An application's streams bring their events one by one, and one event in one TLS record in one
/// system call costs ten times what it costs among others. So a worker that is busy writes to each
/// client's connection no more often than once in a pace (Connections::set_pace()); what waits
/// nevertheless waits for less than that. It begins when the worker's turns take three tenths of
/// its time, and ends when they take less than a twentieth: what the waiting saves, which is
/// two thirds with ten streams on a connection, must not end it. Both are of the last tenth of a
/// second: a write to all in one hundredth and none in the next is no change of load. What a worker
/// would take without, only a trial tells: every five seconds pacing ends, and begins again when it
/// is found busy. So a storm of newcomers does not let the events of a calm day wait.
///
/// What a write costs, most of it the kernel's, it costs for one event as for ten. So the pace is
/// such that writing takes an eighth of the time, but no more than `most` and no less than three
/// quarters of that: with few connections events wait less, with many more of them share a write.
///
/// Owner   the worker. Thread  its own.
#pragma once

#include <algorithm>
#include <chrono>

#include "gateway/base/clock.h"

namespace sluice::server {

class Pacing {
 public:
  /// `most` zero: never.
  explicit Pacing(Duration most) : most_(most) {}

  /// At the end of each turn; `busy`: what all turns until now have taken; `writing`: what the last
  /// write to all that had waited took. How long connections may wait from now on.
  [[nodiscard]] Duration look(TimePoint now, Duration busy, Duration writing) {
    const Duration passed = now - since_;
    if (passed < kLook) return pace_;
    const double share = ratio(busy - busy_then_, passed);
    share_ += (share - share_) * std::min(1.0, ratio(passed, kMemory));
    if (is_pacing_ && (share_ < kIdle || now - begun_ >= kTrial)) {
      is_pacing_ = false;
    } else if (!is_pacing_ && share_ >= kBusy) {
      is_pacing_ = true;
      begun_ = now;
    }
    writing_ += (writing - writing_) / 4;
    pace_ = is_pacing_ ? std::clamp(writing_ * 8, most_ * 3 / 4, most_) : Duration::zero();
    since_ = now;
    busy_then_ = busy;
    return pace_;
  }

 private:
  static constexpr Duration kLook = std::chrono::milliseconds(10);
  static constexpr Duration kMemory = std::chrono::milliseconds(100);
  static constexpr Duration kTrial = std::chrono::seconds(5);
  static constexpr double kBusy = 0.3;
  static constexpr double kIdle = 0.05;

  [[nodiscard]] static double ratio(Duration part, Duration whole) {
    return static_cast<double>(part.count()) / static_cast<double>(whole.count());
  }

  const Duration most_;
  bool is_pacing_ = false;
  TimePoint begun_{};
  double share_ = 0;    ///< Of its time, that its turns took; smoothed.
  Duration writing_{};  ///< Smoothed.
  Duration pace_{};
  TimePoint since_{};
  Duration busy_then_{};
};

}  // namespace sluice::server
