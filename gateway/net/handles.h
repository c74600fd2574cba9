/// How libevent calls into this layer. For this layer's .cc files only.
#pragma once

#include <sys/time.h>

#include <event2/event.h>

#include "gateway/base/clock.h"

namespace sluice::net {

/// libevent callback that calls `self->Method(what)`; `self` is the last argument of event_new().
template <auto Method>
struct Thunk;
template <class Owner, void (Owner::*Method)(short)>
struct Thunk<Method> {
  static void call(evutil_socket_t, short what, void* self) noexcept {
    (static_cast<Owner*>(self)->*Method)(what);
  }
};

inline timeval to_timeval(Duration time) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return {.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

}  // namespace sluice::net
