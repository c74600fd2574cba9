#include "gateway/server/pacing.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A worker, looked at each 10 ms, that was busy for so many of them.
struct Worker {
  Duration work(int busy_ms) {
    now += milliseconds(10);
    busy += milliseconds(busy_ms);
    return pacing.look(now, busy, writing);
  }

  Pacing pacing{milliseconds(4)};
  Duration writing{};
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
    CHECK(worker.pacing.look(worker.now + milliseconds(9), milliseconds(9), {}) ==
          Duration::zero());
  }

  TEST_CASE("with gather = 0 nobody ever waits") {
    Pacing never{Duration::zero()};
    const TimePoint now{std::chrono::hours(1)};
    (void)never.look(now, Duration::zero(), {});
    CHECK(never.look(now + milliseconds(10), milliseconds(10), milliseconds(5)) ==
          Duration::zero());
  }

  TEST_CASE("writing takes an eighth of the time, within what was set and half of that") {
    struct Row {
      Duration writing;
      Duration pace;
    };
    for (const Row& row :
         {Row{microseconds(0), milliseconds(2)}, Row{microseconds(250), milliseconds(2)},
          Row{microseconds(400), microseconds(3'200)}, Row{microseconds(500), milliseconds(4)},
          Row{milliseconds(20), milliseconds(4)}}) {
      Worker worker;
      worker.writing = row.writing;
      Duration pace{};
      for (int i = 0; i < 100; ++i) pace = worker.work(9);
      CHECK(pace > row.pace - microseconds(1));
      CHECK(pace <= row.pace);
    }
  }

  TEST_CASE("one write that was held up changes little") {
    Worker worker;
    worker.writing = microseconds(300);
    for (int i = 0; i < 100; ++i) (void)worker.work(9);
    worker.writing = microseconds(400);
    const Duration pace = worker.work(9);
    CHECK(pace > microseconds(2'550));
    CHECK(pace < microseconds(2'650));
  }
}

}  // namespace
}  // namespace sluice::server
