#include "gateway/net/fd_watch.h"

#include <utility>

#include "gateway/base/assert.h"
#include "gateway/net/handles.h"

namespace sluice::net {

FdWatch::FdWatch(Loop& loop, int fd, std::function<void()> readable)
    : loop_(loop),
      readable_(std::move(readable)),
      event_(
          event_new(loop.base(), fd, EV_READ | EV_PERSIST, Thunk<&FdWatch::on_ready>::call, this)) {
  loop.assert_here();
  SLUICE_ASSERT(event_ != nullptr && event_add(event_.get(), nullptr) == 0,
                "a descriptor cannot be watched");
}

void FdWatch::stop() {
  loop_.assert_here();
  event_del(event_.get());
}

void FdWatch::on_ready(short /*what*/) {
  (void)loop_.now();
  readable_();
}

}  // namespace sluice::net
