#include "gateway/server/presence.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/publish_fakes.h"

namespace sluice::server {
namespace {

using std::chrono::seconds;

/// Two comings and two goings per second, four at once.
struct World {
  explicit World(PresenceOptions options_ = {.per_second = 2, .burst = 4}) : options(options_) {}

  /// A stream with so many selectors.
  std::unique_ptr<Presence::Lease> enter(int selectors, bool is_stranger = true) {
    std::vector<ActiveSubscription> subscriptions;
    for (int i = 0; i < selectors; ++i) {
      subscriptions.push_back({.match = "topic" + std::to_string(i), .payload = nullptr});
    }
    return presence.enter(std::move(subscriptions), is_stranger);
  }
  /// How many were told since this was asked last: "+" for a coming, "-" for a going.
  std::string told() {
    std::string signs;
    for (; told_ < journal.groups.size(); ++told_) {
      for (const sse::Draft& draft : journal.groups[told_]) {
        signs += draft.data.find("\"active\":true") != draft.data.npos ? '+' : '-';
      }
    }
    return signs;
  }

  PresenceOptions options;
  FakeJournal journal;
  ManualClock clock;
  Presence presence{journal, clock, options};

 private:
  std::size_t told_ = 0;
};

TEST_SUITE("presence") {
  TEST_CASE("tells of each selector of a stream, when it comes and when it goes") {
    World world;
    auto stream = world.enter(2);
    CHECK(world.told() == "++");
    CHECK(world.presence.size() == 1);
    stream.reset();
    CHECK(world.told() == "--");
    CHECK(world.presence.size() == 0);
    CHECK(world.presence.untold() == 0);
  }

  TEST_CASE("tells no more than its bound, and lists all the same") {
    World world;
    std::vector<std::unique_ptr<Presence::Lease>> streams;
    for (int i = 0; i < 5; ++i) streams.push_back(world.enter(1));
    CHECK(world.told() == "++++");
    CHECK(world.presence.untold() == 1);
    std::size_t listed = 0;
    world.presence.list([&](const auto& all) { listed = all->size(); });
    CHECK(listed == 5);

    world.clock.advance(seconds(1));
    streams.push_back(world.enter(2));
    streams.push_back(world.enter(1));
    CHECK(world.told() == "++");
    CHECK(world.presence.untold() == 2);
  }

  TEST_CASE("tells nothing of the going of whom it did not tell the coming") {
    World world;
    auto first = world.enter(3);
    auto second = world.enter(2);
    CHECK(world.told() == "+++");
    second.reset();
    first.reset();
    CHECK(world.told() == "---");
    CHECK(world.presence.untold() == 4);
  }

  TEST_CASE("tells of a stream with more selectors than the bound, and is silent for longer") {
    World world;
    auto large = world.enter(10);
    CHECK(world.told() == "++++++++++");
    world.clock.advance(seconds(3));
    auto next = world.enter(1);
    CHECK(world.told().empty());
    world.clock.advance(seconds(1));
    next = world.enter(1);
    CHECK(world.told() == "+");
  }

  TEST_CASE("lets no stranger silence those who have a token") {
    World world;
    std::vector<std::unique_ptr<Presence::Lease>> streams;
    for (int i = 0; i < 9; ++i) streams.push_back(world.enter(1));
    CHECK(world.told() == "++++");
    streams.push_back(world.enter(4, /*is_stranger=*/false));
    CHECK(world.told() == "++++");
    streams.clear();
    CHECK(world.told() == "--------");
  }

  TEST_CASE("without a bound tells everything") {
    World world({.per_second = 0, .burst = 1});
    for (int i = 0; i < 100; ++i) world.enter(1);
    CHECK(world.told().size() == 200);
  }

  TEST_CASE("counts what the journal had no room for") {
    World world;
    world.journal.is_prompt = false;
    const auto stream = world.enter(3);
    world.journal.refuse(Errc::limit);
    CHECK(world.presence.untold() == 3);
  }

  TEST_CASE("says no more once it has fallen silent") {
    World world;
    auto stream = world.enter(1);
    world.presence.fall_silent();
    stream.reset();
    CHECK(world.told() == "+");
  }
}

}  // namespace
}  // namespace sluice::server
