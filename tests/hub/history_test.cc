/// Readers that come back from farther than the window reaches, and what rules remove from it.

#include <map>
#include <optional>

#include <doctest/doctest.h>

#include "tests/hub/reader.h"

namespace sluice::hub {
namespace {

using sse::Position;

/// A journal that keeps everything and answers when it is told to.
class Shelf final : public journal::History {
 public:
  [[nodiscard]] Position evicted() const override { return evicted_; }
  void read(journal::Query query, PageDone done) override {
    asked.push_back([this, query = std::move(query), done = std::move(done)] {
      if (is_broken) {
        done(fail(Errc::io, "the disk is on fire"));
        return;
      }
      journal::Page page{.events = {}, .through = query.after, .missing = missing};
      for (auto at = events.upper_bound(query.after); at != events.end(); ++at) {
        if (at->first > query.through || page.events.size() == query.max_events) break;
        if (query.wants(*at->second)) page.events.push_back(at->second);
        page.through = at->first;
      }
      done(std::move(page));
    });
  }
  void find(std::string own_id, FindDone done) override {
    asked.push_back([this, own_id = std::move(own_id), done = std::move(done)] {
      if (is_broken) {
        done(fail(Errc::io, "the disk is on fire"));
        return;
      }
      std::optional<Position> found;
      for (const auto& [position, event] : events) {
        if (!found && event->has_own_id && event->id == own_id) found = position;
      }
      done(found);
    });
  }
  void answer() {
    for (auto& question : std::exchange(asked, {})) question();
  }

  std::map<Position, sse::EventPtr> events;
  std::vector<std::function<void()>> asked;
  Position evicted_{0};
  Position missing{0};
  bool is_broken = false;
};

/// A hub whose window holds three events, and a shelf with all of them.
struct Library {
  explicit Library(Options options_ = {.history_events = 3, .ring_events = 2})
      : options(std::move(options_)) {}

  void publish(sse::Draft draft) {
    last = last.next();
    auto event = sse::make_event(std::move(draft), last, kEpoch);
    shelf.events[last] = event;
    hub.publish(std::move(event));
  }
  void publish_many(const std::string& topic, int from, int to) {
    for (int i = from; i <= to; ++i) publish({.topics = {topic}, .data = std::to_string(i)});
  }
  /// What the worker does in a turn: letters, then readers.
  void turn() {
    shelf.answer();
    for (auto& task : std::exchange(posted, {})) task();
    hub.wake_readers();
  }

  Options options;
  Counters counters;
  ManualClock clock;
  TimerWheel wheel{clock.now()};
  Shelf shelf;
  std::vector<std::function<void()>> posted;
  Position last{0};
  Hub hub{options,
          {.clock = clock,
           .wheel = wheel,
           .epoch = kEpoch,
           .newest = [this] { return last; },
           .history = &shelf,
           .post = [this](std::function<void()> task) { posted.push_back(std::move(task)); }},
          counters};
};

struct Visitor final : Subscriber {
  Visitor(Library& library_, std::vector<std::string> topics, Start start) : library(library_) {
    subscription =
        std::move(*library.hub.subscribe(Interest::of(std::move(topics), {}), start, *this));
  }
  void wake() override {}
  void close(bool /*is_slow*/) override { is_closed = true; }
  /// Reads until nothing more comes, however many pages that takes.
  std::string read_all() {
    for (int idle = 0; idle < 3;) {
      std::string bytes(subscription->ready(1_MiB).bytes, '\0');
      subscription->take(std::as_writable_bytes(std::span(bytes)));
      text += bytes;
      idle = bytes.empty() ? idle + 1 : 0;
      library.turn();
    }
    std::string data;
    for (std::size_t at = 0; (at = text.find("data: ", at)) != std::string::npos; ++at) {
      data += text.substr(at + 6, text.find('\n', at) - at - 6) + " ";
    }
    return data;
  }

  Library& library;
  std::unique_ptr<Subscription> subscription;
  std::string text;
  bool is_closed = false;
};

TEST_SUITE("history beyond the window") {
  TEST_CASE("is read a page at a time, then the window, then the reader is live") {
    Library library;
    library.publish_many("t", 1, 300);
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-10"));
    std::string expected;
    for (int i = 11; i <= 300; ++i) expected += std::to_string(i) + " ";
    CHECK(visitor.read_all() == expected);
    CHECK_FALSE(visitor.subscription->is_lagging());
    CHECK(library.counters.pages.value() == 3);
    CHECK(library.counters.fetching.value() == 0);
  }

  TEST_CASE("is overtaken by events meanwhile, and nothing is lost or repeated") {
    Library library;
    library.publish_many("t", 1, 200);
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-1"));
    CHECK(visitor.subscription->ready(1_MiB).bytes == 0);  // It asks, and waits.
    library.publish_many("t", 201, 400);
    std::string expected;
    for (int i = 2; i <= 400; ++i) expected += std::to_string(i) + " ";
    CHECK(visitor.read_all() == expected);
  }

  TEST_CASE("is not read while memory is short: who needs it rests, and misses nothing") {
    Library library;
    library.publish_many("t", 1, 50);
    library.hub.set_replay(false);
    Visitor behind(library, {"t"}, library.hub.resolve("epoch000-1"));
    Visitor live(library, {"t"}, library.hub.now());
    CHECK(behind.read_all().empty());
    CHECK(behind.subscription->is_resting());
    CHECK(library.counters.held.value() == 1);
    CHECK(library.shelf.asked.empty());
    CHECK_FALSE(library.hub.has_work());
    library.publish_many("t", 51, 52);
    library.turn();
    CHECK(live.read_all() == "51 52 ");
    library.hub.set_replay(true);
    CHECK(library.counters.held.value() == 0);
    std::string expected;
    for (int i = 2; i <= 52; ++i) expected += std::to_string(i) + " ";
    CHECK(behind.read_all() == expected);
  }

  TEST_CASE("is far behind where a ring does not reach; not for who is just a little late") {
    Library library;
    library.publish_many("t", 1, 50);
    CHECK(library.hub.is_far_behind(library.hub.resolve("epoch000-1")));
    CHECK(library.hub.is_far_behind(library.hub.resolve("epoch000-47")));
    CHECK_FALSE(library.hub.is_far_behind(library.hub.resolve("epoch000-48")));
    CHECK_FALSE(library.hub.is_far_behind(library.hub.now()));
  }

  TEST_CASE("is far behind, too, where few events are larger than a ring") {
    Library library({.history_events = 3, .ring_events = 100, .ring_bytes = 10'000});
    for (int i = 0; i < 3; ++i) library.publish({.topics = {"t"}, .data = std::string(6'000, 'x')});
    CHECK(library.hub.is_far_behind(library.hub.resolve("epoch000-1")));
    CHECK_FALSE(library.hub.is_far_behind(library.hub.resolve("epoch000-2")));
  }

  TEST_CASE("a reader that rests so long that history moves on is told of the gap") {
    Library library;
    library.publish_many("t", 1, 50);
    library.hub.set_replay(false);
    Visitor behind(library, {"t"}, library.hub.resolve("epoch000-1"));
    CHECK(behind.read_all().empty());
    library.shelf.evicted_ = Position(20);
    library.hub.set_replay(true);
    CHECK(behind.read_all().starts_with("{\"reason\":\"evicted\""));
  }

  TEST_CASE("an answer for a reader that has gone is let fall") {
    Library library;
    library.publish_many("t", 1, 50);
    {
      Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-1"));
      CHECK(visitor.subscription->ready(1_MiB).bytes == 0);
    }
    library.turn();
    CHECK(library.counters.fetching.value() == 0);
  }

  TEST_CASE("an id that a publisher chose is asked of the journal when the window has it no more") {
    Library library;
    library.publish({.topics = {"t"}, .data = "a", .id = "mine"});
    library.publish_many("t", 1, 50);
    std::optional<Start> start;
    library.hub.resolve("mine", [&](Start found) { start = found; });
    CHECK_FALSE(start);
    library.turn();
    REQUIRE(start);
    CHECK(start->after == Position(1));
    CHECK(start->is_found);
    library.hub.resolve("never given", [&](Start found) { start = found; });
    library.turn();
    CHECK_FALSE(start->is_found);
    CHECK(start->gap == sse::GapReason::unknown);
  }

  TEST_CASE("an id that the journal cannot be asked for is no gap: its reader may come back") {
    Library library;
    library.publish({.topics = {"t"}, .data = "a", .id = "mine"});
    library.publish_many("t", 1, 50);
    library.shelf.is_broken = true;
    std::optional<Start> start;
    library.hub.resolve("mine", [&](Start found) { start = found; });
    library.turn();
    REQUIRE(start);
    CHECK(start->is_unsure);
    CHECK_FALSE(start->gap);
  }

  TEST_CASE("what it no longer holds is told once, before what is left") {
    Library library;
    library.publish_many("t", 1, 20);
    library.shelf.evicted_ = Position(5);
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-2"));
    CHECK(visitor.read_all().starts_with(
        "{\"reason\":\"evicted\",\"last_event_id\":\"epoch000-2\"} 6 7 "));
    CHECK(library.counters.gaps.value() == 1);
  }

  TEST_CASE("of which only the newest counts gives that, page by page") {
    Library library(Options{.history_events = 3,
                            .rules = {{.match = "t", .policy = Policy::latest}},
                            .ring_events = 2});
    library.publish_many("t", 1, 5);
    library.publish_many("u", 6, 9);  // The window has forgotten what was on "t".
    Visitor visitor(library, {"t", "u"}, library.hub.resolve("earliest"));
    CHECK(visitor.read_all() == "5 6 7 8 9 ");
  }

  TEST_CASE("a hole that a rule has left in it is told, and does not move the reader") {
    Library library(Options{
        .history_events = 3, .rules = {{.match = "t", .max_events = 100}}, .ring_events = 2});
    library.publish_many("t", 1, 20);
    library.shelf.missing = Position(7);
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-2"));
    CHECK(visitor.read_all().starts_with(
        "{\"reason\":\"evicted\",\"last_event_id\":\"epoch000-2\"} 3 4 "));
    CHECK(library.counters.gaps.value() == 1);
  }

  TEST_CASE("that cannot be read ends the reader, who may come back") {
    Library library;
    library.publish_many("t", 1, 20);
    library.shelf.is_broken = true;
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-2"));
    CHECK(visitor.read_all().empty());
    CHECK(visitor.is_closed);
    CHECK(library.counters.page_errors.value() == 1);
  }

  TEST_CASE("an id that another worker was quicker to deliver is no gap, and is not repeated") {
    Library library;
    library.publish_many("t", 1, 5);
    library.last = Position(8);  // 6, 7 and 8 are on their way here.
    Visitor visitor(library, {"t"}, library.hub.resolve("epoch000-7"));
    CHECK(visitor.read_all().empty());
    library.last = Position(5);
    library.publish_many("t", 6, 9);
    CHECK(visitor.read_all() == "8 9 ");
  }
}

TEST_SUITE("a lost cursor") {
  TEST_CASE("is told by a gap, or read from the earliest, or from now on, as configured") {
    for (const auto& [policy, expected] :
         std::map<LostCursor, std::string>{{LostCursor::gap, "gap(unknown) 1 2 3"},
                                           {LostCursor::earliest, "1 2 3"},
                                           {LostCursor::latest, "gap(unknown) 3"}}) {
      World world({.lost_cursor = policy});
      world.publish_many("t", 1, 2);
      Reader reader(world, "t", "who knows");
      world.publish("t", "3");
      CHECK(reader.read_all(world).events() == expected);
    }
  }
}

TEST_SUITE("rules for history") {
  TEST_CASE("bound each topic by itself, and who missed something of it is told") {
    World world({.rules = {{.match = "chat/{room}", .max_events = 2}}});
    world.publish_many("chat/a", 1, 5);
    world.publish("chat/b", "b");
    CHECK(Reader(world, "chat/a", "epoch000-3").read_all(world).events() == "4 5");
    CHECK(Reader(world, "chat/a", "epoch000-1").read_all(world).events() == "gap(evicted) 4 5");
    CHECK(Reader(world, "chat/b", "epoch000-1").read_all(world).events() == "b");
    CHECK(Reader(world, "*", "epoch000-1").read_all(world).events() == "gap(evicted) 4 5 b");
  }

  TEST_CASE("of topics whose newest event is all that counts leave no gap") {
    World world({.rules = {{.match = "price", .policy = Policy::latest, .max_events = 1}}});
    world.publish_many("price", 1, 5);
    CHECK(Reader(world, "price", "epoch000-1").read_all(world).events() == "5");
  }

  TEST_CASE(
      "that are about other topics tell a pattern of nothing, and one who asks for the earliest") {
    World world(
        {.rules = {{.match = "log", .max_events = 1}, {.match = "a/{x}", .max_events = 1}}});
    world.publish("news/1", "0");
    world.publish_many("log", 1, 5);
    world.publish("news/1", "6");
    CHECK(Reader(world, "news/{x}", "epoch000-1").read_all(world).events() == "6");
    CHECK(Reader(world, "quiet/{x}", "epoch000-1").read_all(world).events().empty());
    CHECK(Reader(world, "lo{x}", "epoch000-1").read_all(world).events() == "gap(evicted) 5");
    CHECK(Reader(world, "log", "earliest").read_all(world).events() == "5");
  }

  TEST_CASE("let go of what is too old, in all and of a topic") {
    World world({.history_age = std::chrono::minutes(10),
                 .rules = {{.match = "t", .max_age = std::chrono::minutes(1)}}});
    const auto publish = [&](std::string topic, std::string data) {
      world.last = world.last.next();
      world.hub.publish(sse::make_event({.topics = {std::move(topic)}, .data = std::move(data)},
                                        world.last, kEpoch, world.clock.wall()));
    };
    publish("t", "1");
    publish("u", "2");
    world.clock.advance(std::chrono::minutes(2));
    world.hub.tidy();
    CHECK(Reader(world, "u", "earliest").read_all(world).events() == "2");
    CHECK(Reader(world, "t", "epoch000-0").read_all(world).events() == "gap(evicted)");
    CHECK(Reader(world, "t", "earliest").read_all(world).events().empty());
    world.clock.advance(std::chrono::minutes(9));
    world.hub.tidy();
    CHECK(world.hub.window().size() == 0);
    CHECK(world.hub.window().bytes() == 0);
  }

  TEST_CASE("an event that has expired is not replayed") {
    World world;
    world.last = world.last.next();
    world.hub.publish(
        sse::make_event({.topics = {"t"}, .data = "1", .ttl = std::chrono::seconds(5)}, world.last,
                        kEpoch, world.clock.wall()));
    CHECK(Reader(world, "t", "earliest").read_all(world).events() == "1");
    world.clock.advance(std::chrono::seconds(5));
    CHECK(Reader(world, "t", "earliest").read_all(world).events().empty());
  }
}

}  // namespace
}  // namespace sluice::hub
