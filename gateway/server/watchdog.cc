#include "gateway/server/watchdog.h"

#include <chrono>
#include <cstdint>
#include <unistd.h>

#include "gateway/server/files.h"
#include "gateway/server/notify.h"

namespace sluice::server {
Watchdog::Watchdog(net::Loop& loop, const Workers& workers)
    : workers_(workers), timer_(loop, [this] { ask(); }) {}

void Watchdog::start(bool is_successor) {
  const std::uint64_t us = environment_number("WATCHDOG_USEC").value_or(0);
  const auto own = static_cast<std::uint64_t>(::getpid());
  const bool is_meant = is_successor || environment_number("WATCHDOG_PID").value_or(own) == own;
  if (us == 0 || !is_meant) return;
  // Now: what the service manager has waited for already is not known here.
  notify_service_manager("WATCHDOG=1");
  ask();
  timer_.start_periodic(std::chrono::microseconds(us / 2));
}

void Watchdog::ask() {
  if (silent_ != nullptr && silent_->load() > 0) return;  // It may answer yet.
  if (silent_ != nullptr) notify_service_manager("WATCHDOG=1");
  silent_ = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->post([silent = silent_] { silent->fetch_sub(1); });
  }
}

}  // namespace sluice::server
