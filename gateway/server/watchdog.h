/// Watchdog: tells the service manager that all threads still turn (sd_watchdog_enabled(3)).
///
/// Each worker is asked for a sign of life, twice in the time that the service manager waits; it is
/// told only when all have given theirs. A worker that hangs is so found out, and the service
/// restarted.
///
/// Owner   server::Gateway. Thread  the control loop's. Without `$WATCHDOG_USEC` it does nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "gateway/net/loop.h"
#include "gateway/net/timer.h"
#include "gateway/server/metrics.h"

namespace sluice::server {

class Watchdog {
 public:
  Watchdog(net::Loop& loop, const Workers& workers);

  /// When the workers run. `is_successor`: the variables were another process's (upgrade.h).
  void start(bool is_successor);
  void stop() { timer_.stop(); }

 private:
  void ask();

  const Workers& workers_;
  net::Timer timer_;
  /// Of the last question; the workers' tasks may outlive this.
  std::shared_ptr<std::atomic<std::size_t>> silent_;
};

}  // namespace sluice::server
