#include "gateway/net/loop.h"

#include <sys/time.h>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/net/handles.h"
#include "gateway/net/mailbox.h"

namespace sluice::net {
namespace {

struct ConfigFree {
  void operator()(event_config* config) const noexcept { event_config_free(config); }
};

/// libevent's list of epoll changes stays off. With it, what was to be removed is removed at the
/// next sleep, when the descriptor may belong to another thread's new connection already.
event_base* make_base() {
  const std::unique_ptr<event_config, ConfigFree> config(event_config_new());
  SLUICE_ASSERT(config != nullptr, "libevent has no configuration to give");
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
  event_base* base = event_base_new_with_config(config.get());
  SLUICE_ASSERT(base != nullptr, "the operating system gives no event loop");
  return base;
}

void on_polled(evutil_socket_t, short, void* poller) noexcept {
  static_cast<Poller*>(poller)->dispatch();
}

void on_tick(evutil_socket_t, short, void* loop) noexcept {
  (void)static_cast<Loop*>(loop)->now();
}

}  // namespace

void EventFree::operator()(event* e) const noexcept {
  event_free(e);
}
void EventBaseFree::operator()(event_base* base) const noexcept {
  event_base_free(base);
}

Loop::Loop(const Clock& clock)
    : clock_(clock),
      base_(make_base()),
      wheel_(clock.now()),
      polled_(event_new(base_.get(), poller_.fd(), EV_READ | EV_PERSIST, &on_polled, &poller_)),
      tick_(event_new(base_.get(), -1, 0, &on_tick, this)),
      now_(clock.now()) {
  SLUICE_ASSERT(polled_ != nullptr && event_add(polled_.get(), nullptr) == 0,
                "the poller cannot be added to the loop");
}

Loop::~Loop() = default;

void Loop::run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  stopping_ = false;
  while (!stopping_) one_turn(true);
  thread_.store({}, std::memory_order_relaxed);
}

void Loop::turn(bool may_sleep) {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  one_turn(may_sleep);
  thread_.store({}, std::memory_order_relaxed);
}

void Loop::one_turn(bool may_sleep) {
  keep_ticking();
  is_fresh_ = false;
  // Not by a timer: libevent's are of milliseconds, and nothing else is to be done meanwhile.
  if (pause_ > Duration::zero()) std::this_thread::sleep_for(std::exchange(pause_, Duration()));
  const bool sleeps = may_sleep && !work_left_ && self_posted_.empty();
  // Without EVLOOP_ONCE it would go on as long as anything is active, and no turn would end.
  event_base_loop(base_.get(), EVLOOP_ONCE | (sleeps ? EVLOOP_NO_EXIT_ON_EMPTY : EVLOOP_NONBLOCK));
  const TimePoint woken_at = is_fresh_ ? woken_at_ : clock_.now();

  refresh();
  wheel_.advance(now_);
  deliver_self_posted();
  work_left_ = turn_end_ && turn_end_();
  const Duration took = clock_.now() - woken_at;
  busy_ += took;
  delay_.observe(std::chrono::duration<double>(took).count());
}

void Loop::assert_here() const {
  const std::thread::id thread = thread_.load(std::memory_order_relaxed);
  SLUICE_ASSERT(thread == std::thread::id{} || thread == std::this_thread::get_id(),
                "this belongs to another thread's loop");
}

void Loop::refresh() const {
  now_ = clock_.now();
  if (!is_fresh_) woken_at_ = now_;
  is_fresh_ = true;
}

void Loop::keep_ticking() {
  if (wheel_.empty() || event_pending(tick_.get(), EV_TIMEOUT, nullptr) != 0) return;
  const timeval slot = to_timeval(TimerWheel::kSlot);
  event_add(tick_.get(), &slot);
}

void Loop::deliver_self_posted() {
  // Only what was posted before: a delivery that posts again has its turn in the next turn.
  IntrusiveList<Inbox, SelfPostedTag> posted;
  posted.take_all(self_posted_);
  while (!posted.empty()) posted.pop_front().drain();
}

std::string libevent_version() {
  return event_get_version();
}

}  // namespace sluice::net
