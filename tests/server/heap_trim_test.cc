#include "gateway/server/heap_trim.h"

#include <cstdint>
#include <malloc.h>
#include <memory>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/sanitized.h"
#include "gateway/net/loop.h"

namespace sluice::server {
namespace {

/// A process whose memory a test sets, and what is asked of its allocator.
struct House {
  /// True: this look has trimmed.
  bool looks(std::size_t now_resident, std::size_t now_free) {
    resident = now_resident;
    free = now_free;
    const int before = trims;
    trim.look();
    return trims > before;
  }

  ManualClock clock;
  net::Loop loop{clock};
  std::size_t resident = 10_MiB;
  std::size_t free = 0;
  std::size_t gain = 48_MiB;  ///< Of each trim.
  int trims = 0;
  int measurements = 0;
  HeapTrim trim{loop,
                {.resident = [this] { return resident; },
                 .free =
                     [this] {
                       ++measurements;
                       return free;
                     },
                 .trim =
                     [this] {
                       ++trims;
                       resident -= gain;
                     }}};
};

bool is_resident(const void* address) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto place = reinterpret_cast<std::uintptr_t>(address);
  unsigned char is_there = 0;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  REQUIRE(::mincore(reinterpret_cast<void*>(place / page * page), 1, &is_there) == 0);
  return is_there != 0;
}

TEST_SUITE("HeapTrim") {
  TEST_CASE("memory goes back when much is free at two looks running") {
    House house;
    CHECK_FALSE(house.looks(60_MiB, 1_MiB));
    CHECK_FALSE(house.looks(60_MiB, 50_MiB));
    CHECK(house.looks(60_MiB, 50_MiB));
  }

  TEST_CASE("so it is beside a history that is larger than what the clients left") {
    House house;
    house.gain = 30_MiB;
    house.looks(400_MiB, 30_MiB);
    CHECK(house.looks(400_MiB, 30_MiB));
  }

  TEST_CASE("it stays when the clients are back by the second look") {
    House house;
    CHECK_FALSE(house.looks(60_MiB, 50_MiB));
    CHECK_FALSE(house.looks(60_MiB, 1_MiB));
    CHECK_FALSE(house.looks(60_MiB, 50_MiB));
    CHECK(house.looks(60_MiB, 50_MiB));
  }

  TEST_CASE("what is free is not counted while the process is hardly larger than at its least") {
    House house;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(10_MiB + 256_KiB, 50_MiB));
    CHECK(house.measurements == 0);
  }

  TEST_CASE("worth a trim is a part in 32 of what is resident, 128 KiB to 8 MiB") {
    struct Row {
      std::size_t resident;
      std::size_t free;
    };
    for (const Row& least : {Row{12_MiB, 384_KiB}, Row{64_MiB, 2_MiB}, Row{1'024_MiB, 8_MiB}}) {
      House house;
      house.gain = 0;
      for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(least.resident, least.free - 1));
      house.looks(least.resident, least.free);
      CHECK(house.looks(least.resident, least.free));
    }
    House small;
    small.resident = small.gain = 0;
    small.looks(2_MiB, 0);
    CHECK_FALSE(small.looks(3_MiB, 128_KiB - 1));
    small.looks(3_MiB, 128_KiB);
    CHECK(small.looks(3_MiB, 128_KiB));
  }

  TEST_CASE("what is back already is not given again, but what is used and left again is") {
    House house;
    house.looks(60_MiB, 50_MiB);
    CHECK(house.looks(60_MiB, 50_MiB));
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(12_MiB, 50_MiB));
    house.looks(60_MiB, 1_MiB);
    house.looks(60_MiB, 50_MiB);
    CHECK(house.looks(60_MiB, 50_MiB));
  }

  TEST_CASE("what a crowd leaves goes back, though memory was given back while it was there") {
    House house;
    house.gain = 2_MiB;
    house.looks(60_MiB, 3_MiB);
    CHECK(house.looks(60_MiB, 3_MiB));
    unsigned looks = 1;
    while (!house.looks(58_MiB, 40_MiB)) ++looks;
    CHECK(looks == HeapTrim::kLooksBetweenCounts + 1);
    // And once only.
    for (int i = 0; i < 100; ++i) CHECK_FALSE(house.looks(20_MiB, 40_MiB));
    CHECK(house.measurements < 20);
  }

  TEST_CASE("after a trim that gained little the next is farther away, each time") {
    House house;
    house.gain = 1_MiB;
    std::vector<int> looks_between;
    std::size_t used = 160_MiB;
    for (int i = 0; i < 5; ++i) {
      used += HeapTrim::kMostWorth;  // What is used grows; little of it is free in one piece.
      int looks = 1;
      while (!house.looks(used, 20_MiB)) ++looks;
      looks_between.push_back(looks);
    }
    CHECK(looks_between == std::vector<int>{2, 3, 5, 9, 17});
  }

  TEST_CASE("a process that cannot see its memory leaves it alone") {
    House house;
    for (int i = 0; i < 3; ++i) CHECK_FALSE(house.looks(0, 50_MiB));
    CHECK(house.measurements == 0);
  }

  TEST_CASE("the end of a thread's own heap goes back, what is used there stays") {
    if (kIsSanitized || kIsThreadSanitized) return;  // The heap is not malloc's then.
    ::mallopt(M_PERTURB, 0);  // With MALLOC_PERTURB_, free() would write to what was given back.
    // By a thread that ends with the case: its heap is its own.
    std::thread([] {
      const std::vector<std::byte> kept(100, std::byte{7});
      std::vector<std::unique_ptr<std::byte[]>> crowd;
      while (crowd.size() < 20) {
        crowd.push_back(std::make_unique<std::byte[]>(4_KiB));
      }
      const std::byte* const last = crowd.back().get();
      // glibc gives nothing back by itself, being less than 128 KiB.
      crowd.clear();
      REQUIRE(is_resident(last));
      trim_thread_heap();
      CHECK_FALSE(is_resident(last));
      CHECK(is_resident(kept.data()));
      CHECK(kept == std::vector<std::byte>(100, std::byte{7}));
    }).join();
  }
}

}  // namespace
}  // namespace sluice::server
