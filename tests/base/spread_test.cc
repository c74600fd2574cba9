#include "gateway/base/spread.h"

#include <chrono>

#include <doctest/doctest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin{100h};

TEST_SUITE("an end that is spread over a time") {
  TEST_CASE("ends as many as belong to the part of the window that has passed") {
    Spread it(kBegin, 10s, 20);
    CHECK(it.take_due(kBegin) == 0);
    CHECK(it.next(kBegin) == kBegin + 500ms);
    CHECK(it.take_due(kBegin + 5s) == 10);
    CHECK(it.take_due(kBegin + 5s) == 0);
    CHECK_FALSE(it.is_over(kBegin + 9s));
    CHECK(it.take_due(kBegin + 11s) == 10);
    CHECK(it.is_over(kBegin + 11s));
  }

  TEST_CASE("without a window ends all at once") {
    Spread it(kBegin, 0s, 3);
    CHECK(it.take_due(kBegin) == 3);
    CHECK(it.is_over(kBegin));
  }
}

}  // namespace
}  // namespace sluice
