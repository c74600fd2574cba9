/// Delivery: how long events take from being accepted until a worker has written them.
///
/// One sample a turn: of the oldest event that the turn has handed out, until every connection that
/// had room was written to. So it costs nothing per reader, and shows what the last reader of a
/// turn waits. Readers whose own socket or window is full are not in it.
///
/// Owner   its worker. Thread  accepted(): whoever delivers, one at a time; seconds(): any; all
/// else: its worker's.
#pragma once

#include <atomic>
#include <chrono>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"

namespace sluice::server {

class Delivery {
 public:
  /// An event is about to be posted to the worker.
  void accepted(const Clock& clock) {
    if (oldest_.load(std::memory_order_relaxed) != Duration::zero()) return;
    oldest_.store(clock.now().time_since_epoch(), std::memory_order_relaxed);
  }
  /// What was posted is being taken. An event that is announced and not posted yet has no sample.
  void taken() {
    const Duration oldest = oldest_.exchange(Duration::zero(), std::memory_order_relaxed);
    if (since_ == Duration::zero()) since_ = oldest;
  }
  /// The turn had nothing for any reader.
  void skipped() { since_ = Duration::zero(); }
  void flushed(TimePoint now) {
    if (since_ == Duration::zero()) return;
    seconds_.observe(std::chrono::duration<double>(now.time_since_epoch() - since_).count());
    since_ = Duration::zero();
  }
  [[nodiscard]] const Histogram& seconds() const { return seconds_; }

 private:
  std::atomic<Duration> oldest_{Duration::zero()};  ///< Since the clock's epoch; zero: none.
  Duration since_{};                                ///< Of what was taken.
  Histogram seconds_;
};

}  // namespace sluice::server
