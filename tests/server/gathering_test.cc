#include "gateway/server/gathering.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::microseconds;

/// A worker whose flushes take as long as a test says.
struct Busy {
  void flush(Duration takes) {
    const TimePoint begin = clock.now();
    clock.advance(takes);
    gathering.flushed(begin, clock.now());
  }
  Duration wait() { return gathering.wait(clock.now()); }

  ManualClock clock;
  Gathering gathering;
};

TEST_SUITE("gathering") {
  TEST_CASE("the first events are written at once") {
    Busy worker;
    CHECK(worker.wait() == Duration::zero());
  }

  TEST_CASE("a short flush is not worth a wait") {
    Busy worker;
    worker.flush(microseconds(200));
    CHECK(worker.wait() == Duration::zero());
  }

  TEST_CASE("behind a long one, a quarter of its time is waited for, 0.2 ms at most, and once") {
    Busy worker;
    worker.flush(microseconds(400));
    CHECK(worker.wait() == microseconds(100));
    CHECK(worker.wait() == Duration::zero());
    worker.flush(microseconds(5'000));
    CHECK(worker.wait() == microseconds(200));
    CHECK(worker.wait() == Duration::zero());
  }

  TEST_CASE("a worker that had time to rest does not wait") {
    Busy worker;
    worker.flush(microseconds(5'000));
    worker.clock.advance(microseconds(5'000));
    CHECK(worker.wait() == Duration::zero());
  }
}

}  // namespace
}  // namespace sluice::server
