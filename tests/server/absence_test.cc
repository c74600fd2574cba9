#include "gateway/server/absence.h"

#include <doctest/doctest.h>

#include "gateway/base/log.h"

namespace sluice::server {
namespace {

using std::chrono::seconds;

struct World {
  World() { log::set_level(log::Level::off); }
  void pass(Duration time) {
    clock.advance(time);
    loop.turn(false);
    absence.look();
  }

  ManualClock clock;
  net::Loop loop{clock};
  std::string trouble;
  int left = 0;
  Absence absence{loop, seconds(30), [this] { return trouble; }, [this] { ++left; }};
};

TEST_SUITE("the engine's absence") {
  TEST_CASE("ends the streams when it has lasted for the limit, once") {
    World world;
    world.trouble = "Redis is away";
    world.pass(seconds(1));
    world.pass(seconds(29));
    CHECK(world.left == 0);
    world.pass(seconds(1));
    CHECK(world.left == 1);
    world.pass(seconds(100));
    CHECK(world.left == 1);
  }

  TEST_CASE("begins anew when the engine was there meanwhile") {
    World world;
    world.trouble = "Redis is away";
    world.pass(seconds(1));
    world.pass(seconds(20));
    world.trouble.clear();
    world.pass(seconds(1));
    world.trouble = "Redis is away";
    world.pass(seconds(1));
    world.pass(seconds(29));
    CHECK(world.left == 0);
    world.pass(seconds(1));
    CHECK(world.left == 1);
    world.trouble.clear();
    world.pass(seconds(1));
    world.trouble = "Redis is away";
    world.pass(seconds(1));
    world.pass(seconds(30));
    CHECK(world.left == 2);
  }
}

}  // namespace
}  // namespace sluice::server
