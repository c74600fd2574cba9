#include "gateway/base/counters.h"

#include <atomic>
#include <cstdint>
#include <thread>

#include <doctest/doctest.h>

namespace sluice {
namespace {

std::uint64_t total_of(const Histogram& histogram) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) total += histogram.count(i);
  return total;
}

TEST_SUITE("counters") {
  TEST_CASE("a counter rises by one or by more") {
    Counter counter;
    counter.add();
    counter.add(41);
    CHECK(counter.value() == 42);
  }

  TEST_CASE("a gauge rises, falls and can be set") {
    Gauge gauge;
    gauge.add(5);
    gauge.sub();
    CHECK(gauge.value() == 4);
    gauge.sub(10);
    CHECK(gauge.value() == -6);
    gauge.set(7);
    CHECK(gauge.value() == 7);
  }

  TEST_CASE("an observation on a bound belongs below it") {
    Histogram histogram;
    histogram.observe(Histogram::kBounds[3]);
    CHECK(histogram.count(3) == 1);
    CHECK(total_of(histogram) == 1);
  }

  TEST_CASE("an observation goes into one bucket, the first whose bound it does not pass") {
    Histogram histogram;
    histogram.observe(0.0);
    histogram.observe(0.002);
    histogram.observe(99.0);
    CHECK(histogram.count(0) == 1);
    CHECK(histogram.count(5) == 1);
    CHECK(histogram.count(Histogram::kBounds.size()) == 1);
    CHECK(total_of(histogram) == 3);
  }

  TEST_CASE("a histogram knows the sum of what it saw") {
    Histogram histogram;
    histogram.observe(0.25);
    histogram.observe(1.5);
    CHECK(histogram.sum() == doctest::Approx(1.75));
  }

  TEST_CASE("another thread may read while the owner counts, and never sees it fall") {
    Counter counter;
    std::atomic<bool> done{false};
    std::uint64_t seen = 0;
    bool fell = false;
    std::thread reader([&] {
      while (!done) {
        const std::uint64_t now = counter.value();
        fell = fell || now < seen;
        seen = now;
      }
    });
    for (int i = 0; i < 100'000; ++i) counter.add();
    done = true;
    reader.join();
    CHECK_FALSE(fell);
    CHECK(counter.value() == 100'000);
  }
}

}  // namespace
}  // namespace sluice
