/// Poller: which of a loop's many sockets can be read or written.
///
/// One epoll for all of them, which itself is one descriptor of the loop's: a socket costs no
/// memory of ours here. (libevent's own event is 128 bytes, and its table has 24 more for each
/// descriptor; what waits in ten thousands pays for that, and listeners, timers and mailboxes
/// don't.) Level-triggered: what is wanted and there is reported in every turn.
///
/// Owner   the loop. Thread  the loop's own.
#pragma once

#include <array>
#include <cstdint>
#include <sys/epoll.h>

#include "gateway/base/c_handle.h"
#include "gateway/base/timer_wheel.h"

namespace sluice::net {

/// Who has a socket, and a time by which something has to happen on it. It lives until the end of
/// the turn in which it forgets its socket: what the kernel told in one go may still name it.
class Pollable : public Deadline {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;
  /// Told whatever is wanted. Who waits for one of the others hears of an error by trying.
  virtual void on_failed() {
    on_readable();
    on_writable();
  }
};

class Poller {
 public:
  using Events =
      std::uint32_t;  ///< EPOLLIN, EPOLLOUT; EPOLLERR: no more than errors; 0: not even those.

  Poller();

  /// Changes what is wanted of `fd` from `now` to `wanted`. The caller remembers it: `now` is what
  /// he wanted last, at first 0, and 0 again before the descriptor is closed. False: the system
  /// has no room for one more (fs.epoll.max_user_watches, memory), and `now` is still true.
  [[nodiscard]] bool want(int fd, Pollable& who, Events now, Events wanted);
  /// Readable: something is there to be told.
  [[nodiscard]] int fd() const { return epoll_.get(); }
  /// Tells everybody what can be done with his socket; what does not fit comes in the next turn.
  void dispatch();

 private:
  static constexpr std::size_t kAtOnce = 256;

  const UniqueFd epoll_;
  std::array<epoll_event, kAtOnce> ready_;
};

}  // namespace sluice::net
