/// thread_cpu_time(): what the calling thread has had of a processor until now; waiting for one, or
/// for anything else, does not count. A system call: not for each event.
///
/// clock_gettime(2), CLOCK_THREAD_CPUTIME_ID. Thread  any.
#pragma once

#include <chrono>
#include <ctime>

#include "gateway/base/clock.h"

namespace sluice {

[[nodiscard]] inline Duration thread_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace sluice
