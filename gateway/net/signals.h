/// SignalWatch: calls back on the loop's thread when the process is sent a signal.
///
/// Thread  its loop's. One loop of a process watches signals, no more.
#pragma once

#include <functional>

#include "gateway/net/loop.h"

namespace sluice::net {

class SignalWatch {
 public:
  SignalWatch(Loop& loop, int signal_number, std::function<void()> callback);
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void on_signal(short what);

  Loop& loop_;
  const std::function<void()> callback_;
  EventPtr event_;
};

}  // namespace sluice::net
