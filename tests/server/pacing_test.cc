#include "gateway/server/pacing.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

/// A worker, looked at each 10 ms, that was busy for so many of them.
struct Worker {
  Duration work(int busy_ms) {
    now += milliseconds(10);
    busy += milliseconds(busy_ms);
    return pacing.look(now, busy);
  }

  Pacing pacing{milliseconds(2)};
  TimePoint now{std::chrono::hours(1)};
  Duration busy{};
};

TEST_SUITE("pacing") {
  TEST_CASE("a worker that is busy for three tenths of its time lets connections wait") {
    Worker worker;
    CHECK(worker.work(2) == Duration::zero());
    CHECK(worker.work(3) == milliseconds(2));
  }

  TEST_CASE("what that saves does not end it, rest does") {
    Worker worker;
    (void)worker.work(0);
    (void)worker.work(9);
    CHECK(worker.work(1) == milliseconds(2));
    CHECK(worker.work(0) == Duration::zero());
  }

  TEST_CASE("a long sleep ends it at the first look") {
    Worker worker;
    (void)worker.work(0);
    (void)worker.work(9);
    worker.now += std::chrono::seconds(1);
    CHECK(worker.work(5) == Duration::zero());
  }

  TEST_CASE("it looks no more often than each 10 ms") {
    Worker worker;
    (void)worker.work(0);
    CHECK(worker.pacing.look(worker.now + milliseconds(9), milliseconds(9)) == Duration::zero());
  }

  TEST_CASE("with gather = 0 nobody ever waits") {
    Pacing never{Duration::zero()};
    const TimePoint now{std::chrono::hours(1)};
    (void)never.look(now, Duration::zero());
    CHECK(never.look(now + milliseconds(10), milliseconds(10)) == Duration::zero());
  }
}

}  // namespace
}  // namespace sluice::server
