#include "gateway/server/rates.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_SUITE("Rates") {
  TEST_CASE("let a publisher have its burst, then so many per second") {
    Rates rates({.per_second = 10, .burst = 3});
    ManualClock clock;
    for (int i = 0; i < 3; ++i) CHECK(rates.take("a", 1, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, clock.now()) == milliseconds(100));
    clock.advance(milliseconds(60));
    CHECK(rates.take("a", 1, clock.now()) == milliseconds(40));
    clock.advance(milliseconds(40));
    CHECK(rates.take("a", 1, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, clock.now()) > Duration(0));
  }

  TEST_CASE("save up no more than the burst") {
    Rates rates({.per_second = 10, .burst = 3});
    ManualClock clock;
    CHECK(rates.take("a", 3, clock.now()) == Duration(0));
    clock.advance(seconds(100));
    CHECK(rates.take_some("a", 100, clock.now()) == 3);
  }

  TEST_CASE("tell publishers apart") {
    Rates rates({.per_second = 1, .burst = 1});
    ManualClock clock;
    CHECK(rates.take("a", 1, clock.now()) == Duration(0));
    CHECK(rates.take("b", 1, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, clock.now()) == seconds(1));
  }

  TEST_CASE("let a batch larger than the burst pass when the bucket is full, and pay later") {
    Rates rates({.per_second = 10, .burst = 5});
    ManualClock clock;
    CHECK(rates.take("a", 20, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, clock.now()) == milliseconds(1600));
    CHECK(rates.take("a", 20, clock.now()) == seconds(2));
    clock.advance(seconds(2));
    CHECK(rates.take("a", 20, clock.now()) == Duration(0));
  }

  TEST_CASE("give a stream what there is") {
    Rates rates({.per_second = 10, .burst = 5});
    ManualClock clock;
    CHECK(rates.take_some("a", 3, clock.now()) == 3);
    CHECK(rates.take_some("a", 100, clock.now()) == 2);
    CHECK(rates.take_some("a", 100, clock.now()) == 0);
    clock.advance(milliseconds(250));
    CHECK(rates.take_some("a", 100, clock.now()) == 2);
  }

  TEST_CASE("are off without a limit") {
    Rates rates({.per_second = 0, .burst = 1});
    CHECK(rates.take("a", 1'000'000, TimePoint()) == Duration(0));
    CHECK(rates.take_some("a", 1'000'000, TimePoint()) == 1'000'000);
    CHECK(rates.size() == 0);
  }

  TEST_CASE("remember so many publishers, and forget who was away for longest") {
    Rates rates({.per_second = 1, .burst = 1}, 2);
    ManualClock clock;
    CHECK(rates.take("a", 1, clock.now()) == Duration(0));
    CHECK(rates.take("b", 1, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, clock.now()) > Duration(0));
    CHECK(rates.take("c", 1, clock.now()) == Duration(0));
    CHECK(rates.size() == 2);
    CHECK(rates.take("a", 1, clock.now()) > Duration(0));
    CHECK(rates.take("b", 1, clock.now()) == Duration(0));
  }

  TEST_CASE("are not confused by a worker whose clock is a little behind") {
    Rates rates({.per_second = 10, .burst = 1});
    ManualClock clock;
    const TimePoint before = clock.now();
    clock.advance(milliseconds(50));
    CHECK(rates.take("a", 1, clock.now()) == Duration(0));
    CHECK(rates.take("a", 1, before) == milliseconds(100));
    clock.advance(milliseconds(100));
    CHECK(rates.take("a", 1, clock.now()) == Duration(0));
  }
}

}  // namespace
}  // namespace sluice::server
