#include "gateway/net/loop.h"

#include <chrono>
#include <csignal>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/signals.h"
#include "gateway/net/timer.h"

namespace sluice::net {
namespace {

using std::chrono::milliseconds;

struct Alarm final : Deadline {
  std::function<void()> callback;
  void on_deadline(TimePoint) override { callback(); }
};

TEST_SUITE("Loop") {
  TEST_CASE("a pause holds up the next turn, and no other") {
    ManualClock clock;
    Loop loop(clock);
    const auto takes = [&loop] {
      const auto begin = std::chrono::steady_clock::now();
      loop.turn(false);
      return std::chrono::steady_clock::now() - begin;
    };
    constexpr auto kPause = std::chrono::milliseconds(50);
    loop.pause(kPause);
    CHECK(takes() >= kPause);
    // Of many turns one at least is not held up by the machine.
    bool was_quick = false;
    for (int i = 0; i < 1'000 && !was_quick; ++i) was_quick = takes() < kPause;
    CHECK(was_quick);
  }

  TEST_CASE("the turn end is called once after every turn") {
    const ManualClock clock;
    Loop loop(clock);
    int ends = 0;
    loop.set_turn_end([&] {
      ++ends;
      return false;
    });
    loop.turn(false);
    loop.turn(false);
    CHECK(ends == 2);
  }

  TEST_CASE("work that is left keeps the loop awake") {
    const ManualClock clock;
    Loop loop(clock);
    int left = 3;
    loop.set_turn_end([&] {
      if (--left == 0) loop.stop();
      return true;
    });
    loop.run();  // Nothing but the turn end could wake it.
    CHECK(left == 0);
  }

  TEST_CASE("deadlines run before the turn end, when their time has come and not before") {
    ManualClock clock;
    Loop loop(clock);
    std::vector<const char*> order;
    Alarm alarm;
    alarm.callback = [&] { order.push_back("deadline"); };
    loop.set_turn_end([&] {
      order.push_back("end");
      return false;
    });
    loop.wheel().arm(alarm, loop.now() + milliseconds(200));
    clock.advance(milliseconds(199));
    loop.turn(false);
    clock.advance(milliseconds(101));
    loop.turn(false);
    CHECK(order == std::vector<const char*>{"end", "deadline", "end"});
  }

  TEST_CASE("a deadline wakes a loop that has nothing else to do") {
    const SteadyClock clock;
    Loop loop(clock);
    Alarm alarm;
    alarm.callback = [&] { loop.stop(); };
    const TimePoint begin = clock.now();
    loop.wheel().arm(alarm, begin + milliseconds(20));
    loop.run();
    CHECK(clock.now() - begin >= milliseconds(20));
  }

  TEST_CASE("time stands still within the callbacks of a turn") {
    ManualClock clock;
    Loop loop(clock);
    std::vector<TimePoint> seen;
    Timer one(loop, [&] {
      seen.push_back(loop.now());
      clock.advance(milliseconds(7));
    });
    Timer other(loop, [&] { seen.push_back(loop.now()); });
    one.start(milliseconds(0));
    other.start(milliseconds(0));
    loop.set_turn_end([&] {
      seen.push_back(loop.now());
      return false;
    });
    while (seen.size() < 3) {
      seen.clear();
      loop.turn(true);
    }
    CHECK(seen[0] == seen[1]);
    CHECK(seen[2] - seen[0] == milliseconds(7));
  }

  TEST_CASE("the length of turns is measured") {
    ManualClock clock;
    Loop loop(clock);
    loop.set_turn_end([&] {
      clock.advance(milliseconds(2));
      return false;
    });
    loop.turn(false);
    CHECK(loop.delay().sum() == doctest::Approx(0.002));
  }
}

TEST_SUITE("Timer") {
  TEST_CASE("it calls back once, or again and again until it is stopped") {
    const SteadyClock clock;
    Loop loop(clock);
    int once = 0;
    int often = 0;
    Timer single(loop, [&] { ++once; });
    Timer periodic(loop, [&] {
      if (++often == 3) loop.stop();
    });
    single.start(milliseconds(1));
    periodic.start_periodic(milliseconds(3));
    loop.run();
    CHECK(once == 1);
    CHECK(often == 3);
    CHECK_FALSE(single.is_running());
    CHECK(periodic.is_running());
    periodic.stop();
    CHECK_FALSE(periodic.is_running());
  }
}

TEST_SUITE("SignalWatch") {
  TEST_CASE("a signal to the process becomes a callback of the loop") {
    const SteadyClock clock;
    Loop loop(clock);
    int seen = 0;
    const SignalWatch watch(loop, SIGUSR1, [&] {
      ++seen;
      loop.stop();
    });
    REQUIRE(std::raise(SIGUSR1) == 0);
    loop.run();
    CHECK(seen == 1);
  }
}

}  // namespace
}  // namespace sluice::net
