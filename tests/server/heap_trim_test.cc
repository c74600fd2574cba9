#include "gateway/server/heap_trim.h"

#include <doctest/doctest.h>

#include "gateway/net/loop.h"

namespace sluice::server {
namespace {

/// A process whose memory a test sets, and what is asked of its allocator.
struct House {
  /// True: this look has trimmed.
  bool looks(std::size_t now_resident, HeapTrim::Heap now) {
    resident = now_resident;
    heap = now;
    const int before = trims;
    trim.look();
    return trims > before;
  }
  static constexpr HeapTrim::Heap kInUse{.held = 60_MiB, .free = 2_MiB};
  static constexpr HeapTrim::Heap kLeft{.held = 60_MiB, .free = 50_MiB};

  ManualClock clock;
  net::Loop loop{clock};
  std::size_t resident = 10_MiB;
  HeapTrim::Heap heap;
  int trims = 0;
  int measurements = 0;
  HeapTrim trim{loop,
                {.resident = [this] { return resident; },
                 .measure =
                     [this] {
                       ++measurements;
                       return heap;
                     },
                 .trim =
                     [this] {
                       ++trims;
                       resident = 12_MiB;
                     }}};
};

TEST_SUITE("HeapTrim") {
  TEST_CASE("memory goes back when most of it is free at two looks running") {
    House house;
    CHECK_FALSE(house.looks(60_MiB, House::kInUse));
    CHECK_FALSE(house.looks(60_MiB, House::kLeft));
    CHECK(house.looks(60_MiB, House::kLeft));
  }

  TEST_CASE("it stays when the clients are back by the second look") {
    House house;
    CHECK_FALSE(house.looks(60_MiB, House::kLeft));
    CHECK_FALSE(house.looks(60_MiB, House::kInUse));
    CHECK_FALSE(house.looks(60_MiB, House::kLeft));
    CHECK(house.looks(60_MiB, House::kLeft));
  }

  TEST_CASE("it stays when most of it is in use") {
    House house;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(110_MiB, {100_MiB, 45_MiB}));
  }

  TEST_CASE("what is free is not counted while the process is hardly larger than at its least") {
    House house;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(17_MiB, House::kLeft));
    CHECK(house.measurements == 0);
  }

  TEST_CASE("what is back already is not given again, but what is used and left again is") {
    House house;
    house.looks(60_MiB, House::kLeft);
    CHECK(house.looks(60_MiB, House::kLeft));
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(12_MiB, House::kLeft));
    house.looks(60_MiB, House::kInUse);
    house.looks(60_MiB, House::kLeft);
    CHECK(house.looks(60_MiB, House::kLeft));
  }
}

}  // namespace
}  // namespace sluice::server
