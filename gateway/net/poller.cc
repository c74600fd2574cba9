#include "gateway/net/poller.h"

#include <cerrno>
#include <span>

#include "gateway/base/assert.h"

namespace sluice::net {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  SLUICE_ASSERT(epoll_, "the operating system gives no epoll");
}

bool Poller::want(int fd, Pollable& who, Events now, Events wanted) {
  if (now == wanted) return true;
  const int change = wanted == 0 ? EPOLL_CTL_DEL : now == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  epoll_event event{.events = wanted, .data = {.ptr = &who}};
  if (::epoll_ctl(epoll_.get(), change, fd, &event) == 0) return true;
  SLUICE_ASSERT(change == EPOLL_CTL_ADD, "a connection that the loop knows is not known to it");
  return false;
}

void Poller::dispatch() {
  const int n = ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), 0);
  if (n <= 0) return;
  for (const epoll_event& event : std::span(ready_).first(static_cast<std::size_t>(n))) {
    auto& who = *static_cast<Pollable*>(event.data.ptr);
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) {
      who.on_failed();
      continue;
    }
    if ((event.events & EPOLLIN) != 0) who.on_readable();
    if ((event.events & EPOLLOUT) != 0) who.on_writable();
  }
}

}  // namespace sluice::net
