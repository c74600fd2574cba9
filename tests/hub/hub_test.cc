#include "gateway/hub/hub.h"

#include <random>

#include <doctest/doctest.h>

#include "tests/hub/reader.h"

namespace sluice::hub {
namespace {

std::string numbers(int from, int to) {
  std::string out;
  for (int i = from; i <= to; ++i) out += (out.empty() ? "" : " ") + std::to_string(i);
  return out;
}

TEST_SUITE("the hub") {
  TEST_CASE("a reader gets what is published to its topic from now on, in order") {
    World world;
    world.publish("news", "before");
    Reader reader(world, "news");
    CHECK(reader.read() == 0);
    world.publish("news", "a");
    world.publish("sport", "b");
    world.publish("news", "c");
    CHECK(reader.read_all(world).events() == "a c");
  }

  TEST_CASE("a reader that has had everything is woken once, at the end of the turn") {
    World world;
    Reader reader(world, "news");
    reader.read();
    world.publish_many("news", 1, 5);
    CHECK(reader.woken == 0);
    world.hub.wake_readers();
    CHECK(reader.woken == 1);
    world.publish_many("news", 6, 9);
    world.hub.wake_readers();
    CHECK(reader.woken == 1);  // It has not read yet: it knows already.
    CHECK(reader.read_all(world).events() == numbers(1, 9));
  }

  TEST_CASE("a reader that took all that there was is woken without asking again") {
    World world;
    Reader reader(world, "news");
    reader.read();
    world.publish("news", "a");
    world.hub.wake_readers();
    CHECK(reader.subscription().ready(1_MiB).is_all);
    CHECK_FALSE(reader.subscription().ready(5).is_all);
    CHECK(reader.read(5) == 5);  // It is in the middle of an event.
    CHECK_FALSE(reader.subscription().is_resting());
    reader.read();
    CHECK(reader.subscription().is_resting());
    CHECK(reader.subscription().rest_of_event() == 0);
    world.publish("news", "b");
    world.hub.wake_readers();
    CHECK(reader.woken == 2);
    CHECK(reader.read_all(world).events() == "a b");
  }

  TEST_CASE("an event with several topics comes once to a reader that wants several of them") {
    World world;
    Reader reader(world, {"a", "b", "{x}"}, world.hub.now());
    world.publish({.topics = {"a", "b"}, .data = "once"});
    CHECK(reader.read_all(world).events() == "once");
  }

  TEST_CASE("* wants everything, a template what it expands to") {
    World world;
    Reader all(world, "*");
    Reader books(world, "https://example.com/books/{id}");
    world.publish("https://example.com/books/1", "book");
    world.publish("https://example.com/films/1", "film");
    CHECK(all.read_all(world).events() == "book film");
    CHECK(books.read_all(world).events() == "book");
  }

  TEST_CASE("a private event goes only to readers with a grant on one of its topics") {
    World world;
    Reader nobody(world, {"*"}, world.hub.now());
    Reader alice(world, {"*"}, world.hub.now(), {"users/{name}"});
    world.publish({.topics = {"users/alice"}, .data = "secret", .is_private = true});
    world.publish({.topics = {"users/alice"}, .data = "open"});
    CHECK(nobody.read_all(world).events() == "open");
    CHECK(alice.read_all(world).events() == "secret open");
    Reader late(world, {"*"}, {.after = sse::Position(0)});
    CHECK(late.read_all(world).events() == "open");
  }

  TEST_CASE("readers of one interest share a channel, and it goes with the last of them") {
    World world;
    Reader first(world, {"a", "b"}, world.hub.now());
    Reader second(world, {"b", "a", "b"}, world.hub.now());
    Reader other(world, "a");
    CHECK(world.counters.channels.value() == 2);
    first.leave();
    CHECK(world.counters.channels.value() == 2);
    second.leave();
    other.leave();
    CHECK(world.counters.channels.value() == 0);
    CHECK(world.counters.subscriptions.value() == 0);
    world.publish("a", "nobody listens");
    world.hub.wake_readers();
    world.hub.tidy();
  }

  TEST_CASE("an interest out of bounds is refused with a sentence") {
    World world({.channels = 1, .selectors = 2, .selector_length = 5});
    Reader one(world, "a");
    const auto error = [&](std::vector<std::string> topics) {
      return world.hub.subscribe(Interest::of(std::move(topics), {}), world.hub.now(), one).error();
    };
    CHECK(error({}).what == "no topic is named");
    CHECK(error({"a", "b", "c"}).what == "3 topics in one subscription; at most 2 are allowed");
    CHECK(error({"abcdef"}).what == "a topic is 6 bytes long; at most 5 are allowed");
    CHECK(error({"b"}).code == Errc::limit);
  }
}

TEST_SUITE("the limit of patterns") {
  TEST_CASE("counts a costly template for several, and lets its share go with it") {
    World world({.patterns = 300});
    std::string costly;
    for (int i = 0; i < 32; ++i) costly += "{+a:7}";
    Reader reader(world, "plain");
    const auto subscribe = [&](std::string topic) {
      return world.hub.subscribe(Interest::of({std::move(topic)}, {}), world.hub.now(), reader);
    };
    auto first = subscribe("a" + costly);
    auto second = subscribe("b" + costly);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(subscribe("c" + costly).error().code == Errc::limit);
    CHECK(subscribe("{cheap}"));
    second->reset();
    CHECK(subscribe("c" + costly));
  }

  TEST_CASE("holds for new ones; who asks for a known one is let in") {
    World world({.patterns = 1});
    Reader first(world, "a/{x}");
    Reader same(world, {"a/{x}", "b"}, world.hub.now());
    const auto other = world.hub.subscribe(Interest::of({"c/{x}"}, {}), world.hub.now(), first);
    CHECK(other.error().code == Errc::limit);
    Reader exact(world, "d");
    CHECK(world.counters.channels.value() == 3);
  }
}

TEST_SUITE("resuming") {
  TEST_CASE("a reader that comes back with an id gets exactly what it missed, then goes on live") {
    World world;
    world.publish_many("news", 1, 6);
    Reader reader(world, "news", "epoch000-4");
    world.publish("news", "7");
    CHECK(reader.read_all(world).events() == numbers(5, 7));
    CHECK_FALSE(reader.subscription().is_lagging());
    world.publish("news", "8");
    CHECK(reader.read_all(world).events() == numbers(5, 8));
  }

  TEST_CASE("an id a publisher chose is a place like any other; of two alike the earliest counts") {
    World world;
    world.publish({.topics = {"news"}, .data = "1", .id = "x"});
    world.publish({.topics = {"news"}, .data = "2", .id = "x"});
    world.publish("news", "3");
    Reader reader(world, "news", "x");
    CHECK(reader.read_all(world).events() == "2 3");
  }

  TEST_CASE("earliest means everything that is held, without a gap") {
    World world({.history_events = 3});
    world.publish_many("news", 1, 5);
    Reader reader(world, "news", "earliest");
    CHECK(reader.read_all(world).events() == "3 4 5");
  }

  TEST_CASE("one whose history is partly gone is told so first, and gets the rest") {
    World world({.history_events = 3});
    world.publish_many("news", 1, 9);
    Reader reader(world, "news", "epoch000-2");
    CHECK(reader.read_all(world).events() == "gap(evicted) 7 8 9");
    CHECK(world.counters.gaps.value() == 1);
  }

  TEST_CASE("an id of another epoch, and one nobody ever gave, are gaps with their reasons") {
    World world;
    world.publish_many("news", 1, 2);
    CHECK(Reader(world, "news", "another0-1").read_all(world).events() == "gap(epoch) 1 2");
    CHECK(Reader(world, "news", "what?").read_all(world).events() == "gap(unknown) 1 2");
    CHECK(Reader(world, "news", "epoch000-3").read_all(world).events() == "gap(unknown) 1 2");
  }

  TEST_CASE("the gap event's own id is where the reader then is") {
    World world({.history_events = 2});
    world.publish_many("news", 1, 5);
    Reader reader(world, "news", "epoch000-1");
    reader.read(1);  // The gap event, begun.
    CHECK(reader.read_all(world).text.starts_with("id: epoch000-3\nevent: gap\n"));
    Reader again(world, "news", "epoch000-3");
    CHECK(again.read_all(world).events() == "4 5");
  }

  TEST_CASE("history is read a share at a time, however rare the wanted events are in it") {
    World world({.scan_events = 10});
    world.publish("rare/1", "first");
    world.publish_many("common", 1, 500);
    world.publish("rare/2", "second");
    Reader reader(world, "rare/{n}", "earliest");
    CHECK(reader.read() > 0);
    CHECK(reader.read() == 0);
    CHECK(world.hub.has_work());
    CHECK(reader.read_all(world).events() == "first second");
    CHECK_FALSE(world.hub.has_work());
  }
}

TEST_SUITE("a slow reader") {
  TEST_CASE("falls out of the ring, reads on from history, and is live again: nothing is lost") {
    World world({.ring_events = 8});
    Reader slow(world, "news");
    Reader quick(world, "news");
    slow.read();
    for (int i = 1; i <= 1000; ++i) {
      world.publish("news", std::to_string(i));
      world.hub.wake_readers();
      quick.read();
    }
    CHECK(slow.events().empty());
    CHECK(slow.read_all(world).events() == numbers(1, 1000));
    CHECK_FALSE(slow.subscription().is_lagging());
    CHECK(quick.events() == numbers(1, 1000));
    CHECK(world.counters.fell_behind.value() == 1);
    CHECK(world.counters.lagging.value() == 0);
    CHECK(world.counters.gaps.value() == 0);
  }

  TEST_CASE("says how far behind it is, and how much it has had") {
    World world({.history_events = 50, .ring_events = 8});
    Reader slow(world, "news");
    slow.read();
    const Subscription& place = slow.subscription();
    world.publish_many("news", 1, 5);
    CHECK(place.behind() == 5);
    CHECK(place.waiting_bytes() > 5 * std::string("data: 1\n\n").size());
    world.publish_many("news", 6, 40);  // The ring has given it up: it is told by positions.
    CHECK(place.behind() == 40);
    slow.read_all(world);
    CHECK(place.behind() == 0);
    CHECK(place.waiting_bytes() == 0);
    CHECK(place.taken() == 40);
    CHECK(place.gaps() == 0);
    world.publish_many("news", 41, 140);
    slow.read_all(world);
    CHECK(place.gaps() == 1);
    CHECK(place.taken() == 90);
  }

  TEST_CASE("in the middle of an event, finishes that event even when nobody holds it any more") {
    World world({.history_events = 2, .ring_events = 2});
    Reader reader(world, "news");
    reader.read();
    world.publish("news", "1");
    reader.read(5);
    CHECK(reader.subscription().rest_of_event() > 0);
    world.publish_many("news", 2, 9);
    CHECK(reader.read_all(world).events() == "1 gap(evicted) 8 9");
  }

  TEST_CASE("that waited long on a quiet topic is not told of a gap that is none of its") {
    World world({.history_events = 4, .ring_events = 2});
    Reader reader(world, "quiet");
    reader.read();
    world.publish_many("busy", 1, 100);
    world.hub.wake_readers();
    world.publish_many("quiet", 1, 3);  // One more than the ring holds, all in one turn.
    CHECK(reader.read_all(world).events() == "1 2 3");
  }

  TEST_CASE("any mix of pieces, rings and turns gives every reader every event once, in order") {
    std::mt19937 random(7);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 50; ++round) {
      World world({.ring_events = static_cast<std::size_t>(1 + below(20)),
                   .ring_bytes = static_cast<std::size_t>(50 + below(2000)),
                   .scan_events = static_cast<std::size_t>(1 + below(30))});
      std::vector<std::unique_ptr<Reader>> readers;
      for (const char* topic : {"a", "{t}", "*", "a", "b"}) {
        readers.push_back(std::make_unique<Reader>(world, topic));
      }
      std::string only_a;
      std::string only_b;
      std::string both;
      for (int i = 0; i < 300; ++i) {
        const bool is_a = below(2) == 0;
        const std::string text =
            std::to_string(i) + std::string(static_cast<std::size_t>(below(60)), 'x');
        world.publish(is_a ? "a" : "b", text);
        (is_a ? only_a : only_b) += text + ' ';
        both += text + ' ';
        if (below(3) == 0) world.hub.wake_readers();
        if (below(9) == 0) world.hub.tidy();
        Reader& lucky = *readers[static_cast<std::size_t>(below(5))];
        if (below(2) == 0) lucky.read(static_cast<std::size_t>(1 + below(200)));
      }
      const std::string* expected[] = {&only_a, &both, &both, &only_a, &only_b};
      for (std::size_t i = 0; i < readers.size(); ++i) {
        CAPTURE(i);
        const auto piece = static_cast<std::size_t>(1 + below(500));
        CHECK(readers[i]->read_all(world, piece).events() + ' ' == *expected[i]);
      }
      CHECK(world.counters.lagging.value() == 0);
    }
  }
}

}  // namespace
}  // namespace sluice::hub
