#include "gateway/server/delivery.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

std::uint64_t samples(const Delivery& delivery) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) sum += delivery.seconds().count(i);
  return sum;
}

TEST_SUITE("delivery") {
  TEST_CASE("one sample a turn, of the oldest event in it") {
    ManualClock clock;
    Delivery delivery;
    delivery.accepted(clock);
    clock.advance(milliseconds(20));
    delivery.accepted(clock);
    delivery.taken();
    clock.advance(milliseconds(20));
    delivery.flushed(clock.now());
    CHECK(samples(delivery) == 1);
    CHECK(delivery.seconds().sum() == doctest::Approx(0.04));
  }

  TEST_CASE("a turn that waits for more events counts from its first one") {
    ManualClock clock;
    Delivery delivery;
    delivery.accepted(clock);
    delivery.taken();
    clock.advance(milliseconds(10));
    delivery.accepted(clock);
    delivery.taken();
    clock.advance(milliseconds(10));
    delivery.flushed(clock.now());
    CHECK(samples(delivery) == 1);
    CHECK(delivery.seconds().sum() == doctest::Approx(0.02));
  }

  TEST_CASE("events that nobody reads have none, and spoil none that come later") {
    ManualClock clock;
    Delivery delivery;
    delivery.accepted(clock);
    delivery.taken();
    delivery.skipped();
    clock.advance(std::chrono::hours(1));
    delivery.flushed(clock.now());
    CHECK(samples(delivery) == 0);
  }
}

}  // namespace
}  // namespace sluice::server
