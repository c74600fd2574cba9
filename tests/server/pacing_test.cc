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

  /// Until all before is forgotten.
  Duration work_long(int busy_ms) {
    Duration pace{};
    for (int i = 0; i < 100; ++i) pace = work(busy_ms);
    return pace;
  }

  Pacing pacing{milliseconds(4)};
  Duration writing{};
  TimePoint now{std::chrono::hours(1)};
  Duration busy{};
};

TEST_SUITE("pacing") {
  TEST_CASE("a worker that is busy for more than three tenths of its time lets connections wait") {
    Worker worker;
    CHECK(worker.work_long(2) == Duration::zero());
    CHECK(worker.work_long(4) == milliseconds(3));
  }

  TEST_CASE("what that saves does not end it, rest does") {
    Worker worker;
    (void)worker.work_long(9);
    CHECK(worker.work_long(1) == milliseconds(3));
    CHECK(worker.work_long(0) == Duration::zero());
  }

  TEST_CASE("a hundredth of a second more or less is no change of load") {
    Worker worker;
    (void)worker.work_long(2);
    CHECK(worker.work(9) == Duration::zero());
    (void)worker.work_long(4);
    for (int i = 0; i < 10; ++i) {
      CHECK(worker.work(2) == milliseconds(3));
      CHECK(worker.work(0) == milliseconds(3));
    }
  }

  TEST_CASE("every five seconds it is tried without: who is not busy then writes at once again") {
    Worker worker;
    (void)worker.work_long(9);
    for (int i = 0; i < 6; ++i) (void)worker.work_long(2);
    CHECK(worker.work(2) == Duration::zero());
    CHECK(worker.work_long(2) == Duration::zero());
  }

  TEST_CASE("and who is busy without goes on") {
    Worker worker;
    int without = 0;
    bool is_paced = false;
    for (int i = 0; i < 1'000; ++i) {
      is_paced = worker.work(is_paced ? 1 : 5) > Duration::zero();
      if (!is_paced) ++without;
    }
    CHECK(without > 10);
    CHECK(without < 50);
  }

  TEST_CASE("a long sleep ends it at the first look") {
    Worker worker;
    (void)worker.work_long(9);
    worker.now += std::chrono::seconds(1);
    CHECK(worker.work(5) == Duration::zero());
  }

  TEST_CASE("it looks no more often than each 10 ms") {
    Worker worker;
    (void)worker.work_long(0);
    CHECK(worker.pacing.look(worker.now + milliseconds(9), milliseconds(900), {}) ==
          Duration::zero());
  }

  TEST_CASE("with gather = 0 nobody ever waits") {
    Pacing never{Duration::zero()};
    const TimePoint now{std::chrono::hours(1)};
    (void)never.look(now, Duration::zero(), {});
    CHECK(never.look(now + milliseconds(10), milliseconds(10), milliseconds(5)) ==
          Duration::zero());
  }

  TEST_CASE("writing takes an eighth of the time, within what was set and three quarters of that") {
    struct Row {
      Duration writing;
      Duration pace;
    };
    for (const Row& row :
         {Row{microseconds(0), milliseconds(3)}, Row{microseconds(375), milliseconds(3)},
          Row{microseconds(450), microseconds(3'600)}, Row{microseconds(500), milliseconds(4)},
          Row{milliseconds(20), milliseconds(4)}}) {
      Worker worker;
      worker.writing = row.writing;
      const Duration pace = worker.work_long(9);
      CHECK(pace > row.pace - microseconds(1));
      CHECK(pace <= row.pace);
    }
  }

  TEST_CASE("one write that was held up changes little") {
    Worker worker;
    worker.writing = microseconds(400);
    (void)worker.work_long(9);
    worker.writing = microseconds(500);
    const Duration pace = worker.work(9);
    CHECK(pace > microseconds(3'350));
    CHECK(pace < microseconds(3'450));
  }
}

}  // namespace
}  // namespace sluice::server
