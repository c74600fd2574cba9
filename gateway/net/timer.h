/// Timer: a precise timer, for the few things a thread does at set times.
///
/// For one deadline per connection or per stream take Loop::wheel(): it costs far less.
/// Thread  its loop's. The callback may start, stop and destroy no other than through its owner's
///         next turn: a Timer must not be destroyed inside its own callback.
#pragma once

#include <functional>

#include "gateway/net/loop.h"

namespace sluice::net {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Once, after `after`. Replaces what was started before.
  void start(Duration after);
  /// Every `interval`, for the first time after one interval.
  void start_periodic(Duration interval);
  void stop();
  [[nodiscard]] bool is_running() const;

 private:
  void on_time(short what);
  void start_event(Duration after, bool periodic);

  Loop& loop_;
  const std::function<void()> callback_;
  EventPtr event_;
};

}  // namespace sluice::net
