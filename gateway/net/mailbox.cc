#include "gateway/net/mailbox.h"

#include <cstdint>
#include <sys/eventfd.h>

#include "gateway/base/assert.h"
#include "gateway/net/handles.h"

namespace sluice::net {

Inbox::Inbox(Loop& loop) : loop_(loop), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  loop.assert_here();
  SLUICE_ASSERT(wake_, "the operating system gives no eventfd");
  event_.reset(event_new(loop.base(), wake_.get(), EV_READ | EV_PERSIST,
                         Thunk<&Inbox::on_wake>::call, this));
  SLUICE_ASSERT(event_ != nullptr && event_add(event_.get(), nullptr) == 0,
                "a mailbox cannot be added to the loop");
}

void Inbox::announce() {
  if (loop_.in_thread()) {
    if (!is_linked()) loop_.self_posted().push_back(*this);
    return;
  }
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop wakes anyway.
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void Inbox::on_wake(short /*what*/) {
  (void)loop_.now();
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(wake_.get(), &count, sizeof count);
  drain();
}

}  // namespace sluice::net
