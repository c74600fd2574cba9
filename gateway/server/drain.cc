#include "gateway/server/drain.h"

#include <utility>

#include "gateway/base/log.h"
#include "gateway/server/notify.h"

namespace sluice::server {
namespace {
constexpr Millis kLook{20};
}  // namespace

Drain::Drain(net::Loop& loop, Shared& shared, const Workers& workers,
             std::function<void()> finished)
    : loop_(loop),
      shared_(shared),
      workers_(workers),
      finished_(std::move(finished)),
      next_(loop, [this] { (this->*stage_)(); }),
      watch_(loop, [this] { look(); }) {}

void Drain::begin() {
  if (shared_.is_draining.exchange(true)) {
    log::warning("asked to stop a second time: cutting {} streams", totals(workers_).streams);
    finished_();
    return;
  }
  const DrainOptions& options = shared_.config.drain;
  log::info("draining: {} streams end between {} and {} from now", totals(workers_).streams,
            format_duration(options.delay), format_duration(options.delay + options.window));
  notify_service_manager("STOPPING=1");
  hard_limit_ = loop_.now() + options.hard_limit;
  stage_ = &Drain::end_streams;
  next_.start(options.delay);
}

void Drain::end_streams() {
  shared_.is_parking.store(true);
  const Millis window = shared_.config.drain.window;
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker, window] { worker.begin_drain(window); });
  }
  stage_ = &Drain::last_words;
  next_.start(window);
}

void Drain::last_words() {
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker] { worker.finish_drain(); });
  }
  watch_.start_periodic(kLook);
}

void Drain::look() {
  const Totals left = totals(workers_);
  const bool is_late = loop_.now() >= hard_limit_;
  if (left.connections > 0 && !is_late) return;
  if (is_late) {
    log::warning("the drain's hard limit cuts {} connections with {} streams", left.connections,
                 left.streams);
  }
  watch_.stop();
  finished_();
}

}  // namespace sluice::server
