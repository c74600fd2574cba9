#include "gateway/base/retirement.h"

#include <chrono>
#include <set>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin{100h};

TEST_SUITE("a connection's retirement") {
  TEST_CASE("comes at its age, give or take a tenth, and for neighbours at different times") {
    const RetirementOptions options{.age = 100min, .window = 10s};
    std::set<TimePoint> times;
    TimePoint earliest = TimePoint::max();
    TimePoint latest{};
    for (std::uint64_t id = 0; id < 1000; ++id) {
      const TimePoint at = retires_at(options, kBegin, id);
      CHECK(at >= kBegin + 90min);
      CHECK(at <= kBegin + 110min);
      times.insert(at);
      earliest = std::min(earliest, at);
      latest = std::max(latest, at);
    }
    CHECK(times.size() > 500);
    CHECK(latest - earliest > 19min);
  }

  TEST_CASE("never comes when there is no age") {
    CHECK(retires_at({}, kBegin, 7) == TimePoint::max());
  }
}

}  // namespace
}  // namespace sluice
