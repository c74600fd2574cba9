/// What a reader that cannot keep up is given, by the policy of the topic.

#include <chrono>

#include <doctest/doctest.h>

#include "tests/hub/reader.h"

namespace sluice::hub {
namespace {

using std::chrono::milliseconds;

/// Readers fall behind after four events; "t" is under `policy`, all other topics under replay.
Options with(Policy policy) {
  return {.rules = {{.match = "t", .policy = policy}}, .ring_events = 4};
}

/// A turn in which the reader's client took nothing.
void pass_turn(World& world, Reader& reader) {
  world.hub.wake_readers();
  reader.read(1);  // The client takes one byte, and so is in the middle of an event from here on.
}

TEST_SUITE("the policy latest") {
  TEST_CASE("gives all to a reader that keeps up, also when several come in one turn") {
    World world(with(Policy::latest));
    Reader reader(world, "t");
    reader.read_all(world);
    world.publish_many("t", 1, 3);
    world.hub.wake_readers();
    CHECK(reader.read_all(world).events() == "1 2 3");
    CHECK(world.counters.conflated.value() == 0);
  }

  TEST_CASE("gives the newest to one that is behind, within the ring and beyond it") {
    for (const int last : {4, 40}) {
      World world(with(Policy::latest));
      Reader reader(world, "t");
      reader.read_all(world);
      world.publish("t", "1");
      pass_turn(world, reader);
      world.publish_many("t", 2, last);
      world.hub.wake_readers();
      CHECK(reader.read_all(world).events() == "1 " + std::to_string(last));
      CHECK(world.counters.conflated.value() == static_cast<std::uint64_t>(last - 2));
      CHECK(world.counters.gaps.value() == 0);
    }
  }

  TEST_CASE("keeps the newest of each key, and leaves other topics whole") {
    World world(with(Policy::latest));
    Reader reader(world, {"t", "log"}, world.hub.now());
    reader.read_all(world);
    world.publish("t", "1");
    pass_turn(world, reader);
    for (int i = 0; i < 3; ++i) {
      world.publish({.topics = {"t"}, .data = "eur" + std::to_string(i), .key = "eur"});
      world.publish({.topics = {"t"}, .data = "usd" + std::to_string(i), .key = "usd"});
      world.publish("log", "line" + std::to_string(i));
    }
    CHECK(reader.read_all(world).events() == "1 line0 line1 eur2 usd2 line2");
  }

  TEST_CASE("does not take an event for superseded by one that the reader may not see") {
    World world(with(Policy::latest));
    Reader reader(world, "t");
    reader.read_all(world);
    world.publish("t", "1");
    pass_turn(world, reader);
    world.publish("t", "2");
    world.publish({.topics = {"t"}, .data = "secret", .is_private = true});
    CHECK(reader.read_all(world).events() == "1 2");
  }

  TEST_CASE("does not take an event for superseded by one that has expired") {
    World world(with(Policy::latest));
    Reader reader(world, "t");
    reader.read_all(world);
    world.publish("t", "1");
    pass_turn(world, reader);
    world.publish("t", "2");
    world.last = world.last.next();
    world.hub.publish(sse::make_event({.topics = {"t"}, .data = "3", .ttl = milliseconds(1000)},
                                      world.last, kEpoch, world.clock.wall()));
    world.clock.advance(milliseconds(1000));
    CHECK(reader.read_all(world).events() == "1 2 3");
  }

  TEST_CASE("gives one that comes back the newest of what it missed") {
    World world(with(Policy::latest));
    world.publish_many("t", 1, 10);
    Reader reader(world, "t", "epoch000-3");
    CHECK(reader.read_all(world).events() == "10");
  }
}

TEST_SUITE("the policy drop") {
  TEST_CASE("loses the oldest, and says how many before the next event") {
    World world(with(Policy::drop));
    Reader reader(world, "t");
    reader.read_all(world);
    world.publish("t", "1");
    pass_turn(world, reader);
    world.publish_many("t", 2, 20);
    CHECK(reader.read_all(world).events() == "1 gap(dropped) 17 18 19 20");
    CHECK(reader.text.find("\"last_event_id\":\"epoch000-1\",\"missed\":15") != std::string::npos);
    CHECK(world.counters.dropped.value() == 15);
  }

  TEST_CASE("takes nothing from one that comes back, nor from other topics") {
    World world(with(Policy::drop));
    world.publish_many("t", 1, 10);
    Reader back(world, "t", "epoch000-2");
    CHECK(back.read_all(world).events() == "3 4 5 6 7 8 9 10");

    Reader both(world, {"t", "log"}, world.hub.now());
    both.read_all(world);
    world.publish("t", "a");
    pass_turn(world, both);
    for (int i = 0; i < 5; ++i) {
      world.publish("t", "t" + std::to_string(i));
      world.publish("log", "l" + std::to_string(i));
    }
    CHECK(both.read_all(world).events() ==
          "a gap(dropped) l0 gap(dropped) l1 gap(dropped) l2 t3 l3 t4 l4");
  }
}

TEST_SUITE("the policy close") {
  TEST_CASE("ends a reader that the ring has left behind, after the event it is in") {
    World world(with(Policy::close));
    Reader reader(world, "t");
    reader.read_all(world);
    world.publish("t", "1");
    pass_turn(world, reader);
    world.publish_many("t", 2, 20);
    CHECK(reader.read_all(world).events() == "1");
    CHECK(reader.is_closed);
    CHECK(reader.read() == 0);
    CHECK(world.counters.closed_slow.value() == 1);

    Reader back(world, "t", "epoch000-1");
    back.read_all(world);
    CHECK_FALSE(back.is_closed);
    CHECK(back.events().starts_with("2 3 4 "));
  }
}

TEST_SUITE("a subscription with a rate") {
  struct Paced {
    explicit Paced(std::size_t rate, Options options = {}) : world(std::move(options)) {
      Interest interest = Interest::of({"t", "u"}, {});
      interest.max_rate = rate;
      reader.emplace(world, std::move(interest));
      reader->read_all(world);
    }
    void pass(Duration time) {
      world.clock.advance(time);
      world.wheel.advance(world.clock.now());
      world.hub.wake_readers();
      if (std::exchange(reader->woken, 0) == 0) return;
      while (reader->read() > 0) {
      }
    }
    World world;
    std::optional<Reader> reader;
  };

  TEST_CASE("gets no more than it allows, and of what waited only what is not superseded") {
    Paced paced(10);
    for (int i = 1; i <= 50; ++i) {
      paced.world.publish("t", "t" + std::to_string(i));
      paced.pass(milliseconds(20));
    }
    // A second went by: ten events and the one it began with.
    const std::string events = paced.reader->events();
    const auto count = std::count(events.begin(), events.end(), ' ') + 1;
    CHECK(count >= 7);
    CHECK(count <= 11);
    paced.pass(milliseconds(200));
    CHECK(paced.reader->events().ends_with("t50"));
    CHECK(paced.world.counters.conflated.value() >= 39);
  }

  TEST_CASE("keeps what nothing newer stands for, and gets it later") {
    Paced paced(10);
    paced.world.publish({.topics = {"t"}, .data = "a", .key = "a"});
    paced.world.publish({.topics = {"t"}, .data = "b", .key = "b"});
    paced.world.publish("u", "c");
    paced.pass(milliseconds(0));
    CHECK(paced.reader->events() == "a");
    for (int i = 0; i < 10; ++i) paced.pass(milliseconds(50));
    CHECK(paced.reader->events() == "a b c");
  }

  TEST_CASE("loses nothing when its time comes between two looks at the clock") {
    for (int offset = -8; offset <= 8; ++offset) {
      Paced paced(20);
      paced.world.publish("t", "a");
      paced.world.publish("u", "b");
      paced.world.hub.wake_readers();
      paced.reader->read();
      paced.world.clock.tick(std::chrono::nanoseconds(1));
      paced.world.clock.advance(milliseconds(50) + std::chrono::nanoseconds(offset));
      paced.reader->read();
      paced.world.publish("elsewhere", "c");
      for (int i = 0; i < 5; ++i) paced.pass(milliseconds(50));
      CHECK(paced.reader->events() == "a b");
    }
  }

  TEST_CASE("holds while history is read, too") {
    Paced paced(10, {.ring_events = 1});
    for (int i = 1; i <= 5; ++i) {
      paced.world.publish({.topics = {"t"}, .data = std::to_string(i), .key = std::to_string(i)});
    }
    paced.pass(milliseconds(0));
    CHECK(paced.reader->events() == "1");
    for (int i = 0; i < 20; ++i) paced.pass(milliseconds(50));
    CHECK(paced.reader->events() == "1 2 3 4 5");
  }
}

}  // namespace
}  // namespace sluice::hub
