#include "gateway/server/memory_budget.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/loop.h"
#include "tests/server/temp_dir.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Level = MemoryLevel;

/// A budget of 1000 MiB, so that a MiB is a tenth of a per cent, and a process whose memory a test
/// sets.
struct House {
  Level looks(std::size_t mib, int times = 1) {
    resident = mib * 1_MiB;
    for (int i = 0; i < times; ++i) budget.look();
    return budget.level();
  }
  void pass(Duration time) {
    clock.advance(time);
    loop.turn(false);
  }
  /// Looks all the time for so long.
  Level rests(std::size_t mib, Duration time) {
    for (Duration passed{}; passed <= time; passed += MemoryBudget::kInterval) {
      looks(mib);
      pass(MemoryBudget::kInterval);
    }
    return budget.level();
  }

  ManualClock clock;
  net::Loop loop{clock};
  std::size_t resident = 100_MiB;
  std::size_t free = 0;
  std::size_t gain = 0;
  int trims = 0;
  std::vector<Level> told;
  MemoryBudget budget{loop,
                      1'000_MiB,
                      {.resident = [this] { return resident; },
                       .free = [this] { return free; },
                       .trim =
                           [this] {
                             ++trims;
                             resident -= gain;
                           }},
                      [this](Level level) { told.push_back(level); }};
};

TEST_SUITE("the memory budget") {
  TEST_CASE("has a level for each bound, and tells of each change once") {
    House house;
    CHECK(house.looks(849) == Level::calm);
    CHECK(house.looks(850, 3) == Level::no_replay);
    CHECK(house.looks(919) == Level::no_replay);
    CHECK(house.looks(950) == Level::park);
    CHECK(house.looks(981) == Level::full);
    CHECK(house.told == std::vector{Level::no_replay, Level::park, Level::full});
    CHECK(house.budget.changes() == 3);
  }

  TEST_CASE("does not flap around a bound") {
    House house;
    CHECK(house.looks(925) == Level::shed);
    for (int i = 0; i < 20; ++i) {
      house.rests(889, milliseconds(500));
      CHECK(house.looks(925) == Level::shed);
    }
    CHECK(house.rests(891, seconds(5)) == Level::shed);  // Not far enough below it.
    CHECK(house.rests(889, milliseconds(900)) == Level::shed);
    CHECK(house.looks(925) == Level::shed);
    CHECK(house.rests(889, milliseconds(1100)) == Level::no_replay);
    CHECK(house.told == std::vector{Level::shed, Level::no_replay});
  }

  TEST_CASE("is calm again by itself, from any level") {
    House house;
    CHECK(house.looks(999) == Level::full);
    CHECK(house.rests(400, milliseconds(1100)) == Level::calm);
  }

  TEST_CASE("gives free memory back before it judges") {
    House house;
    house.free = 100_MiB;
    house.gain = 100_MiB;
    CHECK(house.looks(900) == Level::calm);
    CHECK(house.trims == 1);
    CHECK(house.budget.used() == 800_MiB);
  }

  TEST_CASE("does so for what became free since, and never below the first bound") {
    House house;
    house.free = 100_MiB;
    house.looks(800, 5);
    CHECK(house.trims == 0);
    const auto looks_with = [&](std::size_t free) {
      house.free = free;
      house.pass(seconds(1));
      house.looks(900);
      return house.trims;
    };
    CHECK(looks_with(100_MiB) == 1);
    CHECK(looks_with(110_MiB) == 1);  // What was given back counts as free still.
    CHECK(looks_with(120_MiB) == 2);
    CHECK(looks_with(50_MiB) == 2);   // Some of it is used again …
    CHECK(looks_with(120_MiB) == 3);  // … and free again.
  }

  TEST_CASE("does not do so all the time") {
    House house;
    for (int i = 1; i <= 20; ++i) {
      house.free = static_cast<std::size_t>(i) * 100_MiB;
      house.looks(900);
    }
    CHECK(house.trims == 1);
  }

  TEST_CASE("keeps to its last look when memory cannot be told") {
    House house;
    CHECK(house.looks(960) == Level::park);
    CHECK(house.looks(0, 50) == Level::park);
  }

  TEST_CASE("without a limit never leaves the first level") {
    House house;
    MemoryBudget none(house.loop, 0,
                      {.resident = [] { return 64'000_MiB; }, .free = {}, .trim = {}},
                      [](Level) { FAIL("there is nothing to tell"); });
    none.look();
    CHECK(none.level() == Level::calm);
    CHECK(none.used() == 64'000_MiB);
  }
}

/// A machine's files, as far as they tell of its memory.
struct Machine {
  void write(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = folder.path(file);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  [[nodiscard]] std::size_t memory() const { return memory_of_machine(folder.path() + "/"); }
  TempDir folder;
};

TEST_SUITE("the machine's memory") {
  TEST_CASE("is half of the physical one where no cgroup has a limit") {
    Machine machine;
    machine.write("proc/meminfo", "MemTotal:        8388608 kB");
    machine.write("proc/self/cgroup", "0::/user.slice");
    machine.write("sys/fs/cgroup/user.slice/memory.max", "max");
    CHECK(machine.memory() == 4096_MiB);
  }

  TEST_CASE("is three quarters of the least limit on the way up to the root") {
    Machine machine;
    machine.write("proc/meminfo", "MemTotal:        8388608 kB");
    machine.write("proc/self/cgroup", "0::/kube/pod/box");
    machine.write("sys/fs/cgroup/kube/pod/box/memory.max", "max");
    machine.write("sys/fs/cgroup/kube/pod/box/memory.high", std::to_string(800_MiB));
    machine.write("sys/fs/cgroup/kube/pod/memory.max", std::to_string(400_MiB));
    machine.write("sys/fs/cgroup/kube/memory.max", std::to_string(4000_MiB));
    CHECK(machine.memory() == 300_MiB);
  }

  TEST_CASE("is found in a container that sees its own cgroup as the root") {
    Machine machine;
    machine.write("proc/meminfo", "MemTotal:        8388608 kB");
    machine.write("proc/self/cgroup", "0::/");
    machine.write("sys/fs/cgroup/memory.max", std::to_string(400_MiB));
    CHECK(machine.memory() == 300_MiB);
  }

  TEST_CASE("is found in a cgroup of the first version, where a huge number is none") {
    Machine machine;
    machine.write("proc/meminfo", "MemTotal:        8388608 kB");
    machine.write("proc/self/cgroup", "5:cpu:/box\n4:memory:/box");
    machine.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712");
    CHECK(machine.memory() == 4096_MiB);
    machine.write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", std::to_string(400_MiB));
    CHECK(machine.memory() == 300_MiB);
  }

  TEST_CASE("is 0 where nothing can be read") {
    Machine machine;
    CHECK(machine.memory() == 0);
  }
}

}  // namespace
}  // namespace sluice::server
