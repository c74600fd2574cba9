#include "gateway/server/watchdog.h"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>
#include <unistd.h>

#include "gateway/server/files.h"
#include "gateway/server/notify.h"

namespace sluice::server {
namespace {

/// 0: it is not there, or no number.
std::uint64_t number_of(const char* name) {
  const std::string text = environment(name);
  std::uint64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  return end.ec == std::errc() ? number : 0;
}

}  // namespace

Watchdog::Watchdog(net::Loop& loop, const Workers& workers)
    : workers_(workers), timer_(loop, [this] { ask(); }) {}

void Watchdog::start(bool is_successor) {
  const std::uint64_t us = number_of("WATCHDOG_USEC");
  const std::uint64_t whose = number_of("WATCHDOG_PID");
  const bool is_meant =
      is_successor || whose == 0 || whose == static_cast<std::uint64_t>(::getpid());
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
