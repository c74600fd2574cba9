#include "gateway/server/body_room.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

TEST_SUITE("the room for bodies") {
  TEST_CASE("is for all requests together, and comes back when one is over") {
    BodyRoom room(100);
    BodyRoom::Lease first(room);
    {
      BodyRoom::Lease second(room);
      CHECK(first.add(60));
      CHECK(second.add(40));
      CHECK_FALSE(second.add(1));
      CHECK(room.used() == 100);
    }
    CHECK(room.used() == 60);
    CHECK(first.add(40));
    first.clear();
    CHECK(room.used() == 0);
    CHECK(first.add(100));
  }

  TEST_CASE("is for strangers up to its half only") {
    BodyRoom room(100);
    BodyRoom::Lease stranger(room, BodyRoom::Lease::Others::publishers);
    CHECK_FALSE(stranger.add(51));
    CHECK(stranger.add(50));
    BodyRoom::Lease publisher(room);
    CHECK(publisher.add(50));
    CHECK_FALSE(stranger.add(1));
  }

  TEST_CASE("takes nothing of what does not fit whole") {
    BodyRoom room(100);
    BodyRoom::Lease lease(room);
    CHECK_FALSE(lease.add(101));
    CHECK(lease.add(100));
  }
}

}  // namespace
}  // namespace sluice::server
