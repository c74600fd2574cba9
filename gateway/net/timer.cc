#include "gateway/net/timer.h"

#include <utility>

#include "gateway/base/assert.h"
#include "gateway/net/handles.h"

namespace sluice::net {

Timer::Timer(Loop& loop, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {}

void Timer::start(Duration after) {
  start_event(after, false);
}
void Timer::start_periodic(Duration interval) {
  start_event(interval, true);
}

void Timer::start_event(Duration after, bool periodic) {
  loop_.assert_here();
  const short kind = periodic ? short{EV_PERSIST} : short{0};
  if (event_ == nullptr || (event_get_events(event_.get()) & EV_PERSIST) != kind) {
    event_.reset(event_new(loop_.base(), -1, kind, Thunk<&Timer::on_time>::call, this));
  }
  const timeval time = to_timeval(after);
  SLUICE_ASSERT(event_ != nullptr && event_add(event_.get(), &time) == 0,
                "a timer cannot be added to the loop");
}

void Timer::stop() {
  loop_.assert_here();
  if (event_ != nullptr) event_del(event_.get());
}

bool Timer::is_running() const {
  return event_ != nullptr && event_pending(event_.get(), EV_TIMEOUT, nullptr) != 0;
}

void Timer::on_time(short /*what*/) {
  (void)loop_.now();
  callback_();
}

}  // namespace sluice::net
