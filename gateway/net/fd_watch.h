/// FdWatch: calls back on the loop's thread when a descriptor can be read.
///
/// For the few that are no connections; those have a Poller.
/// Owner   of the descriptor: somebody else, for as long as this lives. Thread  its loop's.
#pragma once

#include <functional>

#include "gateway/net/loop.h"

namespace sluice::net {

class FdWatch {
 public:
  FdWatch(Loop& loop, int fd, std::function<void()> readable);
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  /// No call comes any more. Allowed from inside the callback, where destroying it is not.
  void stop();

 private:
  void on_ready(short what);

  Loop& loop_;
  const std::function<void()> readable_;
  EventPtr event_;
};

}  // namespace sluice::net
