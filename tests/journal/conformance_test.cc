/// What every journal keeps: the contract of journal/journal.h and journal/history.h, held against
/// the memory journal, the file journal and the Redis journal alike. An engine that is added has a
/// row in kMakers, and nothing else to say here.
#include <functional>
#include <thread>

#include "gateway/journal/file.h"
#include "gateway/journal/journal.h"
#include "gateway/journal/memory.h"
#include "tests/redis/help.h"

namespace sluice::journal {
namespace {

using namespace std::chrono_literals;
using redis::comes_true;
using redis::draft;
using redis::Numbers;
using redis::numbers_up_to;
using redis::Texts;
using redis::Witness;

/// A journal, what it stands on, and whom it may show events: they live longer than it does.
struct Place {
  Witness first;
  Witness second;
  SteadyClock clock;
  Counters counters;
  redis::Counters redis_counters;
  std::unique_ptr<server::TempDir> dir = nullptr;
  std::unique_ptr<redis::Server> server = nullptr;
  std::unique_ptr<Journal> journal = nullptr;
};
using Make = std::function<void(Place&)>;

void make_memory(Place& place) {
  place.journal = std::make_unique<MemoryJournal>(place.clock);
}

void make_file(Place& place) {
  place.dir = std::make_unique<server::TempDir>();
  FileOptions options;
  options.path = place.dir->path("history");
  auto opened = FileJournal::open(options, place.clock, place.counters);
  REQUIRE(opened.has_value());
  place.journal = std::move(*opened);
}

void make_redis(Place& place) {
  place.server = std::make_unique<redis::Server>();
  redis::Options options;
  options.link.url = place.server->url();
  auto opened =
      redis::RedisJournal::open(options, place.clock, place.counters, place.redis_counters);
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().what));
  place.journal = std::move(*opened);
}

struct Maker {
  const char* name;
  void (*make)(Place&);
};
constexpr Maker kMakers[] = {{"memory", make_memory}, {"file", make_file}, {"redis", make_redis}};

void with_each_place(const std::function<void(Place&)>& test) {
  log::set_level(log::Level::off);
  for (const Maker& maker : kMakers) {
    CAPTURE(maker.name);
    Place place;
    maker.make(place);
    test(place);
    place.journal.reset();  // Before what it stands on.
  }
}

void with_each(const std::function<void(Journal&)>& test) {
  with_each_place([&](Place& place) { test(*place.journal); });
}

void with_each_followed(const std::function<void(Journal&, Witness&, Witness&)>& test) {
  with_each_place([&](Place& place) {
    place.journal->follow(place.first);
    place.journal->follow(place.second);
    test(*place.journal, place.first, place.second);
  });
}

void with_each_history(const std::function<void(Journal&, History&)>& test) {
  with_each([&](Journal& journal) {
    if (journal.history() != nullptr) test(journal, *journal.history());
  });
}

std::vector<Receipt> append(Journal& journal, std::vector<sse::Draft> drafts) {
  std::promise<Result<std::vector<Receipt>>> answer;
  journal.append(std::move(drafts), [&](auto result) { answer.set_value(std::move(result)); });
  auto result = answer.get_future().get();
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what));
  return std::move(*result);
}

Page read(History& history, Query query) {
  std::promise<Result<Page>> answer;
  if (query.through == sse::Position(0)) query.through = sse::Position(1'000'000);
  history.read(std::move(query), [&](auto page) { answer.set_value(std::move(page)); });
  auto page = answer.get_future().get();
  REQUIRE_MESSAGE(page.has_value(), (page ? "" : page.error().what));
  return std::move(*page);
}

std::optional<sse::Position> find(History& history, const std::string& id) {
  std::promise<Result<std::optional<sse::Position>>> answer;
  history.find(id, [&](auto found) { answer.set_value(std::move(found)); });
  auto found = answer.get_future().get();
  REQUIRE(found.has_value());
  return *found;
}

TEST_SUITE("every journal") {
  TEST_CASE("gives positions without holes, and ids that say where events stand") {
    with_each([](Journal& journal) {
      CHECK(journal.last() == sse::Position(0));
      const auto receipts = append(journal, {draft("a"), draft("b")});
      REQUIRE(receipts.size() == 2);
      CHECK(receipts[0].id == journal.epoch() + "-1");
      CHECK(receipts[1].id == journal.epoch() + "-2");
      CHECK(append(journal, {{.topics = {"a"}, .data = "x", .id = "mine"}})[0].id == "mine");
      CHECK(journal.last() == sse::Position(3));
      CHECK(journal.trouble().empty());
    });
  }

  TEST_CASE("answers when its followers have had the events") {
    with_each_followed([](Journal& journal, Witness& witness, Witness&) {
      std::promise<std::size_t> seen;
      journal.append({draft("a"), draft("b")},
                     [&](const auto&) { seen.set_value(witness.seen()); });
      CHECK(seen.get_future().get() == 2);
    });
  }

  TEST_CASE("shows all followers one order, whoever appends at the same time") {
    with_each_followed([](Journal& journal, Witness& first, Witness& second) {
      std::vector<std::thread> publishers;
      for (int i = 0; i < 4; ++i) {
        publishers.emplace_back([&] {
          for (int j = 0; j < 50; ++j) append(journal, {draft("t"), draft("t")});
        });
      }
      for (std::thread& publisher : publishers) publisher.join();
      CHECK(first.positions() == numbers_up_to(400));
      CHECK(second.positions() == numbers_up_to(400));
    });
  }

  TEST_CASE("shows everything there is of an event") {
    with_each_followed([](Journal& journal, Witness& witness, Witness&) {
      append(journal, {{.topics = {"first", "second", "first"},
                        .data = "two\nlines",
                        .id = "own",
                        .type = "price",
                        .retry = 5s,
                        .is_private = true,
                        .key = "state",
                        .ttl = 1h}});
      REQUIRE(witness.seen() == 1);
      const sse::EventPtr event = witness.at(0);
      CHECK(event->topics == Texts{"first", "second", "first"});
      CHECK(event->id == "own");
      CHECK(event->has_own_id);
      CHECK(event->is_private);
      CHECK(event->key == "state");
      REQUIRE(event->expires.has_value());
      CHECK(*event->expires - event->time <= 1h);
      CHECK(*event->expires - event->time > 1h - 10ms);
      CHECK(event->wire == "id: own\nevent: price\nretry: 5000\ndata: two\ndata: lines\n\n");
    });
  }

  TEST_CASE("appends what it has seen before no second time, and says so") {
    with_each([](Journal& journal) {
      const sse::Draft order{.topics = {"t"}, .data = "x", .once = "order-7"};
      const auto first = append(journal, {order, draft("t"), order});
      CHECK_FALSE(first[0].is_repeat);
      CHECK(first[2].is_repeat);
      const auto second = append(journal, {order});
      CHECK(second[0].is_repeat);
      CHECK(second[0].id == first[0].id);
      CHECK(first[2].id == first[0].id);
      CHECK(journal.last() == sse::Position(2));
    });
  }

  TEST_CASE("takes nothing while another process orders the events") {
    with_each([](Journal& journal) {
      append(journal, {draft("t")});
      journal.hand_over();
      std::promise<Errc> refusal;
      journal.append({draft("t")}, [&](const auto& result) {
        refusal.set_value(result ? Errc::invalid : result.error().code);
      });
      CHECK(refusal.get_future().get() == Errc::limit);
      CHECK(journal.take_back().has_value());
      CHECK(append(journal, {draft("t")})[0].id == journal.epoch() + "-2");
    });
  }
}

TEST_SUITE("every history") {
  TEST_CASE("is read by topics, in order, and each event once") {
    with_each_history([](Journal& journal, History& history) {
      append(journal,
             {draft("a"), draft("b"), {.topics = {"a", "c"}, .data = "x"}, draft("c"), draft("b")});
      const auto positions = [&](Texts topics) {
        return redis::positions_of(
            read(history, {.after = {}, .through = {}, .topics = std::move(topics), .wants = {}}));
      };
      CHECK(positions({}) == Numbers{1, 2, 3, 4, 5});
      CHECK(positions({"a", "c"}) == Numbers{1, 3, 4});
      CHECK(positions({"c", "b", "c"}) == Numbers{2, 3, 4, 5});
      CHECK(positions({"none"}).empty());
    });
  }

  TEST_CASE("comes in pages, bounded in events, in bytes and in looks") {
    with_each_history([](Journal& journal, History& history) {
      append(journal, std::vector(6, draft("a", std::string(100, 'x'))));
      for (const Texts& topics : {Texts{}, Texts{"a"}}) {
        Query query{.after = {}, .through = {}, .topics = topics, .wants = {}};
        query.max_events = 2;
        Page page = read(history, query);
        CHECK(redis::positions_of(page) == Numbers{1, 2});
        CHECK(page.through == sse::Position(2));
        query = {.after = page.through, .through = {}, .topics = topics, .wants = {}};
        query.max_bytes = 300;
        page = read(history, query);
        CHECK(redis::positions_of(page) == Numbers{3, 4});
        query = {.after = {}, .through = {}, .topics = topics, .wants = {}};
        query.wants = [](const sse::Event&) { return false; };
        query.max_looks = 4;
        page = read(history, query);
        CHECK(page.events.empty());
        CHECK(page.through == sse::Position(4));
        CHECK(page.missing == sse::Position(0));
        page = read(history, {.after = sse::Position(2),
                              .through = sse::Position(4),
                              .topics = topics,
                              .wants = {}});
        CHECK(redis::positions_of(page) == Numbers{3, 4});
        CHECK(page.through == sse::Position(4));
      }
    });
  }

  TEST_CASE("shows no event whose time is over") {
    with_each_history([](Journal& journal, History& history) {
      append(journal, {draft("a"), {.topics = {"a"}, .data = "x", .ttl = 1ms}, draft("a")});
      const Query all{.after = {}, .through = {}, .topics = {}, .wants = {}};
      CHECK(comes_true([&] { return redis::positions_of(read(history, all)) == Numbers{1, 3}; }));
      CHECK(read(history, all).missing == sse::Position(0));
    });
  }

  TEST_CASE("finds the earliest event with a publisher's id") {
    with_each_history([](Journal& journal, History& history) {
      const sse::Draft named{.topics = {"a"}, .data = "x", .id = "mine"};
      append(journal, {draft("a"), named, named});
      CHECK(find(history, "mine") == sse::Position(2));
      CHECK(find(history, "other") == std::nullopt);
    });
  }
}

}  // namespace
}  // namespace sluice::journal
