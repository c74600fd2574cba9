#include "gateway/server/drain.h"

#include <algorithm>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/server/notify.h"

namespace sluice::server {
namespace {
constexpr Millis kLook{20};
/// From the notice to the final GOAWAY where nothing else is to be waited for: what a client sent
/// before it had read the notice has come (RFC 9113 §6.8).
constexpr Millis kNotice{1'000};

/// Nobody is served now. Connections without requests may be there.
bool is_idle(const Workers& workers) {
  return std::all_of(workers.begin(), workers.end(), [](const auto& worker) {
    const Counters& site = worker->counters().site;
    const bool has_relayed = worker->relay() != nullptr && worker->relay()->open_requests() > 0;
    return site.event_streams.value() == 0 && site.publish_streams.value() == 0 && !has_relayed;
  });
}
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
  if (shared_.is_draining.exchange(true)) return;
  notify_service_manager("STOPPING=1");
  begin_after(shared_.drain_options.delay);
}

void Drain::on_signal() {
  if (std::exchange(has_signal_, true)) {
    log::warning("asked to stop a second time: cutting {} streams", totals(workers_).streams);
    return finished_();
  }
  if (shared_.is_draining.load(std::memory_order_relaxed)) {
    log::info("asked to stop: the drain goes on; a second signal cuts what is left");
  }
  begin();
}

void Drain::begin_at_once() {
  if (!shared_.is_draining.exchange(true)) begin_after(Millis(0));
}

void Drain::begin_after(Millis delay) {
  const DrainOptions& options = shared_.drain_options;
  if (is_idle(workers_)) {
    log::info("draining: nothing is open; the end is {} from now, if that stays so",
              format_duration(delay));
  } else {
    log::info("draining: {} streams end between {} and {} from now", totals(workers_).streams,
              format_duration(delay), format_duration(delay + options.window));
  }
  hard_limit_ = loop_.now() + options.hard_limit;
  progress_.began_with = totals(workers_).streams;
  enter(DrainProgress::Stage::delay, delay);
  stage_ = &Drain::end_streams;
  next_.start(delay);
}

void Drain::end_streams() {
  shared_.is_parking.store(true);
  Millis window = shared_.drain_options.window;
  // There is nobody to spread over it.
  if (is_idle(workers_)) {
    window = totals(workers_).connections == 0 ? Millis(0) : std::min(window, kNotice);
  }
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker, window] { worker.begin_drain(window); });
  }
  enter(DrainProgress::Stage::window, window);
  stage_ = &Drain::last_words;
  next_.start(window);
}

void Drain::last_words() {
  for (const auto& worker : workers_) {
    worker->post([&worker = *worker] { worker.finish_drain(); });
  }
  enter(DrainProgress::Stage::last_words, hard_limit_ - loop_.now());
  watch_.start_periodic(kLook);
}

void Drain::enter(DrainProgress::Stage stage, Duration time) {
  progress_.stage = stage;
  stage_ends_ = loop_.now() + time;
}

DrainProgress Drain::progress() const {
  DrainProgress now = progress_;
  now.left = std::max(std::chrono::duration_cast<Millis>(stage_ends_ - loop_.now()), Millis(0));
  return now;
}

void Drain::look() {
  const Totals left = totals(workers_);
  const bool is_late = loop_.now() >= hard_limit_;
  if (left.connections > 0 && !is_late) return;
  if (is_late) {
    log::warning(
        "the drain's hard limit cuts {} connections with {} streams; clients that need longer to "
        "go need a later drain.hard_limit",
        left.connections, left.streams);
  }
  watch_.stop();
  finished_();
}

}  // namespace sluice::server
