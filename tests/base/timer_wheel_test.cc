#include "gateway/base/timer_wheel.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A deadline that remembers when it rang and then does what it was given to do.
class Alarm final : public Deadline {
 public:
  explicit Alarm(std::function<void(TimePoint)> then = {}) : then_(std::move(then)) {}
  void on_deadline(TimePoint now) override {
    rang.push_back(now);
    if (!then_) return;
    const auto then = then_;  // The alarm may be destroyed by it.
    then(now);
  }
  std::vector<TimePoint> rang;

 private:
  std::function<void(TimePoint)> then_;
};

/// A wheel and the clock that moves it, as a loop does.
struct Bench {
  ManualClock clock;
  TimerWheel wheel{clock.now()};

  void pass(Duration by, Duration step = TimerWheel::kSlot) {
    const TimePoint end = clock.now() + by;
    while (clock.now() < end) {
      clock.advance(std::min(step, end - clock.now()));
      wheel.advance(clock.now());
    }
  }
  void arm_in(Alarm& alarm, Duration delay) { wheel.arm(alarm, clock.now() + delay); }
};

/// How late an alarm armed `delay` ahead rings when time passes in steps of 1 ms.
Duration lateness_of(Duration delay) {
  Bench bench;
  bench.pass(milliseconds(17), milliseconds(1));
  Alarm alarm;
  const TimePoint due = bench.clock.now() + delay;
  bench.wheel.arm(alarm, due);
  bench.pass(delay + seconds(1), milliseconds(1));
  REQUIRE(alarm.rang.size() == 1);
  return alarm.rang[0] - due;
}

TEST_SUITE("TimerWheel") {
  TEST_CASE("a deadline is never early and at most two slots late") {
    for (const int ms : {1, 49, 50, 51, 100, 999, 1000, 12'345, 25'550, 25'600, 25'601, 60'000}) {
      CAPTURE(ms);
      CHECK(lateness_of(milliseconds(ms)) >= Duration::zero());
      CHECK(lateness_of(milliseconds(ms)) <= 2 * TimerWheel::kSlot);
    }
  }

  TEST_CASE("a deadline that is past already rings in the next slot") {
    Bench bench;
    Alarm alarm;
    bench.arm_in(alarm, -seconds(5));
    bench.pass(TimerWheel::kSlot);
    CHECK(alarm.rang.size() == 1);
  }

  TEST_CASE("a deadline far beyond the wheel's reach rings once, when it is due") {
    Bench bench;
    Alarm alarm;
    bench.arm_in(alarm, hours(1));
    bench.pass(hours(1) - milliseconds(1));
    CHECK(alarm.rang.empty());
    bench.pass(milliseconds(101));
    CHECK(alarm.rang.size() == 1);
    bench.pass(hours(1));
    CHECK(alarm.rang.size() == 1);
  }

  TEST_CASE("a deadline at the end of time can be armed and does not ring") {
    Bench bench;
    Alarm alarm;
    bench.wheel.arm(alarm, TimePoint::max());
    bench.pass(hours(1));
    CHECK(alarm.is_armed());
    CHECK(alarm.rang.empty());
  }

  TEST_CASE("a moved deadline rings at its new time only") {
    Bench bench;
    Alarm alarm;
    bench.arm_in(alarm, seconds(1));
    bench.arm_in(alarm, seconds(3));
    bench.pass(milliseconds(2999));
    CHECK(alarm.rang.empty());
    bench.pass(milliseconds(101));
    CHECK(alarm.rang.size() == 1);
  }

  TEST_CASE("a cancelled or destroyed deadline does not ring") {
    Bench bench;
    Alarm cancelled;
    auto destroyed = std::make_unique<Alarm>();
    bench.arm_in(cancelled, seconds(1));
    bench.arm_in(*destroyed, seconds(1));
    cancelled.cancel();
    destroyed.reset();
    bench.pass(seconds(5));
    CHECK_FALSE(cancelled.is_armed());
    CHECK(cancelled.rang.empty());
  }

  TEST_CASE("a deadline that arms itself again is a period") {
    Bench bench;
    Alarm* self = nullptr;
    Alarm alarm([&](TimePoint now) { bench.wheel.arm(*self, now + seconds(1)); });
    self = &alarm;
    bench.arm_in(alarm, seconds(1));
    bench.pass(seconds(10));
    CHECK(alarm.rang.size() >= 9);
    CHECK(alarm.rang.size() <= 10);
  }

  TEST_CASE("a deadline may destroy another that is due in the same slot") {
    Bench bench;
    auto victim = std::make_unique<Alarm>();
    Alarm killer([&](TimePoint) { victim.reset(); });
    bench.arm_in(killer, seconds(1));
    bench.arm_in(*victim, seconds(1));
    bench.pass(seconds(2));
    CHECK(killer.rang.size() == 1);
    CHECK(victim == nullptr);
  }

  TEST_CASE("a deadline may destroy itself") {
    Bench bench;
    std::unique_ptr<Alarm> alarm;
    int rang = 0;
    alarm = std::make_unique<Alarm>([&](TimePoint) {
      ++rang;
      alarm.reset();
    });
    bench.arm_in(*alarm, seconds(1));
    bench.pass(seconds(2));
    CHECK(rang == 1);
    CHECK(bench.wheel.empty());
  }

  TEST_CASE("a loop that was held up for long rings everything that fell due, once") {
    Bench bench;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 200; ++i) {
      bench.arm_in(*alarms.emplace_back(std::make_unique<Alarm>()), milliseconds(i * 500));
    }
    bench.clock.advance(seconds(120));
    bench.wheel.advance(bench.clock.now());
    for (const auto& alarm : alarms) CHECK(alarm->rang.size() == 1);
  }

  TEST_CASE("a wheel is empty when the last deadline has rung") {
    Bench bench;
    Alarm alarm;
    CHECK(bench.wheel.empty());
    bench.arm_in(alarm, seconds(1));
    CHECK_FALSE(bench.wheel.empty());
    bench.pass(seconds(2));
    CHECK(bench.wheel.empty());
  }

  TEST_CASE("a wheel whose deadlines were all cancelled or moved away is empty a round later") {
    Bench bench;
    Alarm cancelled;
    Alarm moved;
    bench.arm_in(cancelled, seconds(1));
    for (int i = 0; i < 100; ++i) bench.arm_in(moved, seconds(1 + i % 3));
    cancelled.cancel();
    moved.cancel();
    bench.pass(seconds(26));
    CHECK(bench.wheel.empty());
  }

  TEST_CASE("a wheel that slept while it was empty is as exact afterwards") {
    Bench bench;
    bench.clock.advance(hours(10) + milliseconds(13));
    bench.wheel.advance(bench.clock.now());
    Alarm alarm;
    bench.arm_in(alarm, milliseconds(200));
    bench.pass(milliseconds(199), milliseconds(1));
    CHECK(alarm.rang.empty());
    bench.pass(milliseconds(101), milliseconds(1));
    CHECK(alarm.rang.size() == 1);
  }
}

/// A random life of arming, moving and cancelling many alarms, with the rule checked all along.
class RandomLife {
 public:
  explicit RandomLife(unsigned seed) : random_(seed) {
    for (auto& alarm : alarms_) due_.emplace_back(), alarm = std::make_unique<Alarm>();
  }
  void run(int turns) {
    for (int turn = 0; turn < turns; ++turn) {
      for (int i = 0; i < 5; ++i) touch(pick(0, static_cast<int>(alarms_.size()) - 1));
      bench_.clock.advance(milliseconds(pick(0, 10) == 0 ? pick(0, 40'000) : pick(0, 120)));
      bench_.wheel.advance(bench_.clock.now());
      judge();
    }
  }
  int early = 0;
  int overdue = 0;
  int rang = 0;

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  void touch(int which) {
    const auto i = static_cast<std::size_t>(which);
    if (pick(0, 3) == 0) {
      alarms_[i]->cancel();
    } else {
      const auto delay = milliseconds(pick(-100, pick(0, 5) == 0 ? 90'000 : 3'000));
      bench_.arm_in(*alarms_[i], delay);
      due_[i] = bench_.clock.now() + std::max(delay, milliseconds(0));
    }
  }
  void judge() {
    const TimePoint now = bench_.clock.now();
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      for (const TimePoint at : alarms_[i]->rang) early += at < due_[i] ? 1 : 0;
      rang += static_cast<int>(alarms_[i]->rang.size());
      alarms_[i]->rang.clear();
      overdue += alarms_[i]->is_armed() && due_[i] + 2 * TimerWheel::kSlot <= now ? 1 : 0;
    }
  }

  std::mt19937 random_;
  Bench bench_;
  std::array<std::unique_ptr<Alarm>, 64> alarms_;
  std::vector<TimePoint> due_;
};

TEST_SUITE("TimerWheel") {
  TEST_CASE("whatever is armed, moved and cancelled: nothing rings early, nothing is left over") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
      CAPTURE(seed);
      RandomLife life(seed);
      life.run(500);
      CHECK(life.early == 0);
      CHECK(life.overdue == 0);
      CHECK(life.rang > 500);
    }
  }
}

}  // namespace
}  // namespace sluice
