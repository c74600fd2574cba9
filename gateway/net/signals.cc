#include "gateway/net/signals.h"

#include <utility>

#include "gateway/base/assert.h"
#include "gateway/net/handles.h"

namespace sluice::net {

SignalWatch::SignalWatch(Loop& loop, int signal_number, std::function<void()> callback)
    : loop_(loop),
      callback_(std::move(callback)),
      event_(event_new(loop.base(), signal_number, EV_SIGNAL | EV_PERSIST,
                       Thunk<&SignalWatch::on_signal>::call, this)) {
  loop.assert_here();
  SLUICE_ASSERT(event_ != nullptr && event_add(event_.get(), nullptr) == 0,
                "a signal cannot be watched");
}

void SignalWatch::on_signal(short /*what*/) {
  (void)loop_.now();
  callback_();
}

}  // namespace sluice::net
