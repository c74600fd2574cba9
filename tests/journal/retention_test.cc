#include "gateway/journal/retention.h"

#include <filesystem>

#include "gateway/journal/file.h"
#include "tests/journal/file_help.h"

namespace sluice::journal {
namespace {

using sse::Position;

/// A rule for topics that begin with "hot".
RetentionOf rule_for_hot(Retention rule) {
  return [rule](std::string_view topic) { return topic.starts_with("hot") ? &rule : nullptr; };
}

Page read(const TestJournal& it, Texts topics, std::uint64_t after, std::uint64_t through) {
  return it.read({.after = Position(after),
                  .through = Position(through),
                  .topics = std::move(topics),
                  .wants = {}});
}

std::uint64_t missing(const TestJournal& it, Texts topics, std::uint64_t after = 0,
                      std::uint64_t through = 1'000'000) {
  return read(it, std::move(topics), after, through).missing.value();
}

TEST_SUITE("retention of all history") {
  TEST_CASE("holds as many events as it may: the oldest go") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .retention = {.events = 3}});
    it.fill("a", 10);
    CHECK(positions_of(it.read_all()) == Numbers{8, 9, 10});
    CHECK(it.journal->evicted() == Position(7));
    CHECK(it.counters.writer.events.value() == 3);
    CHECK(it.counters.writer.removed.value() == 7);
    it.reopen();
    CHECK(it.journal->evicted() == Position(7));
    CHECK(positions_of(it.read_all({"a"})) == Numbers{8, 9, 10});
  }

  TEST_CASE("holds as many bytes as it may") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"), .retention = {.bytes = 64_KiB}});
    it.fill("a", 200, 1000);
    CHECK(it.counters.writer.bytes.value() <= 65'536);
    CHECK(it.counters.writer.events.value() > 50);
    CHECK(it.read_all().events.size() ==
          static_cast<std::size_t>(it.counters.writer.events.value()));
  }

  TEST_CASE("forgets what is too old, without anybody appending") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .retention = {.age = 1h}});
    it.fill("a", 3);
    it.pass(30min);
    it.fill("a", 2);
    it.pass(29min);
    CHECK(it.journal->evicted() == Position(0));
    it.pass(1min);
    CHECK(it.journal->evicted() == Position(3));
    it.pass(30min);
    CHECK(it.journal->evicted() == Position(5));
    CHECK(it.read_all().events.empty());
    CHECK(it.append({draft("a")})[0].id == it.journal->epoch() + "-6");
  }

  TEST_CASE("a reader from before it is told up to where something is missing") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"), .retention = {.events = 3}});
    it.fill("a", 10);
    for (const Texts& topics : {Texts{}, Texts{"a"}, Texts{"b"}}) {
      CHECK(missing(it, topics, 2) == 7);
      CHECK(missing(it, topics, 7) == 0);
      CHECK(missing(it, topics, 2, 5) == 5);
      CHECK(read(it, topics, 2, 5).through == Position(5));
    }
  }

  TEST_CASE("a smaller bound holds from the next start on, step by step") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .sync = Sync::never});
    for (int i = 0; i < 50; ++i) static_cast<void>(it.append({200, draft("a")}));
    it.options.retention.events = 10;
    it.reopen();
    it.pass(1s);
    CHECK(it.journal->evicted() == Position(9990));
    CHECK(it.read_all({"a"}).events.size() == 10);
  }

  TEST_CASE("the file does not grow without end while history moves on") {
    const TempDir dir;
    constexpr std::size_t kBytes = 1_MiB;
    const TestJournal it(
        {.path = dir.path("history"), .retention = {.bytes = kBytes}, .sync = Sync::never});
    for (const std::size_t size : {300U, 3000U, 30'000U, 700U}) {
      const std::size_t batches = 20 * kBytes / size / 20;
      for (std::size_t i = 0; i < batches; ++i) {
        std::vector<sse::Draft> drafts;
        for (int j = 0; j < 20; ++j) {
          drafts.push_back(draft("a" + std::to_string(j), std::string(size, 'x')));
        }
        static_cast<void>(it.append(std::move(drafts)));
      }
    }
    CHECK(std::filesystem::file_size(dir.path("history/history.mdb")) < 6 * kBytes);
  }

  TEST_CASE("the map grows when it is too small, while others read") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"), .sync = Sync::never, .map_bytes = 256_KiB});
    std::atomic<int> pages{0};
    for (int i = 0; i < 100; ++i) {
      static_cast<void>(it.append({50, draft("a", std::string(500, 'x'))}));
      it.journal->read({.after = {}, .through = Position(100), .topics = {"a"}, .wants = {}},
                       [&](const auto& page) { pages += page ? 1 : 0; });
    }
    CHECK(it.read_all().events.size() == 5000);
    CHECK(pages == 100);
  }
}

TEST_SUITE("retention of a topic by itself") {
  TEST_CASE("holds the newest of that topic, and all of the others") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .retention_of = rule_for_hot({.events = 2})});
    for (int i = 0; i < 4; ++i) static_cast<void>(it.append({draft("hot"), draft("cold")}));
    CHECK(positions_of(it.read_all()) == Numbers{2, 4, 5, 6, 7, 8});
    CHECK(positions_of(it.read_all({"hot"})) == Numbers{5, 7});
    CHECK(it.journal->evicted() == Position(0));
    it.reopen();
    static_cast<void>(it.append({draft("hot")}));
    CHECK(positions_of(it.read_all({"hot"})) == Numbers{7, 9});
  }

  TEST_CASE("of which only the newest counts leaves nothing missing") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"),
                          .retention_of = rule_for_hot({.events = 1, .is_state = true})});
    for (int i = 0; i < 4; ++i) static_cast<void>(it.append({draft("hot")}));
    CHECK(positions_of(it.read_all({"hot"})) == Numbers{4});
    CHECK(missing(it, {"hot"}) == 0);
  }

  TEST_CASE("a topic is told what it misses, and the others are not") {
    const TempDir dir;
    const TestJournal it(
        {.path = dir.path("history"), .retention_of = rule_for_hot({.events = 1})});
    for (int i = 0; i < 4; ++i) static_cast<void>(it.append({draft("hot"), draft("cold")}));
    // 1, 3 and 5 are gone.
    CHECK(missing(it, {"cold"}) == 0);
    CHECK(missing(it, {"hot"}) == 5);
    CHECK(missing(it, {"cold", "hot"}) == 5);
    CHECK(missing(it, {"hot"}, 5) == 0);
    CHECK(missing(it, {"hot"}, 4) == 5);
    CHECK(missing(it, {"hot"}, 0, 4) == 4);  // Up to there something is.
    CHECK(missing(it, {}) == 5);
    CHECK(missing(it, {}, 0, 4) == 3);
    CHECK(missing(it, {}, 5) == 0);
  }

  TEST_CASE("a topic that a removed event had beside the first one misses it too") {
    const TempDir dir;
    const TestJournal it(
        {.path = dir.path("history"), .retention_of = rule_for_hot({.events = 1})});
    static_cast<void>(it.append({{.topics = {"hot", "beside"}, .data = "x"}, draft("beside")}));
    CHECK(missing(it, {"beside"}) == 0);
    static_cast<void>(it.append({draft("hot")}));
    CHECK(missing(it, {"beside"}) == 1);
    CHECK(positions_of(it.read_all({"beside"})) == Numbers{2});
    // A rule is that of the first topic only.
    static_cast<void>(it.append({{.topics = {"cold", "hot"}, .data = "x"}, draft("hot")}));
    CHECK(positions_of(it.read_all({"hot"})) == Numbers{4, 5});
  }

  TEST_CASE("bounds its bytes and its age as well") {
    const TempDir dir;
    TestJournal it(
        {.path = dir.path("history"), .retention_of = rule_for_hot({.bytes = 4_KiB, .age = 1h})});
    it.fill("hot", 20, 1000);
    CHECK(positions_of(it.read_all({"hot"})).size() == 3);
    it.fill("cold", 1);
    it.pass(1h + 1s);
    CHECK(it.read_all({"hot"}).events.empty());
    CHECK(missing(it, {"hot"}) == 20);
    CHECK(positions_of(it.read_all({"cold"})) == Numbers{21});
    it.fill("hot", 1);
    it.pass(30min);
    CHECK(positions_of(it.read_all({"hot"})) == Numbers{22});
    it.pass(31min);
    CHECK(it.read_all({"hot"}).events.empty());
  }

  TEST_CASE("what is missing is forgotten when history has moved on past it") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"),
                          .retention = {.events = 5},
                          .retention_of = rule_for_hot({.events = 1})});
    for (int i = 0; i < 50; ++i) {
      static_cast<void>(it.append({draft("hot" + std::to_string(i % 25)), draft("cold")}));
    }
    CHECK(it.read_all().events.size() == 5);
    CHECK(missing(it, {"hot1"}, it.journal->evicted().value()) == 0);
  }

  TEST_CASE("when too many topics miss something, the oldest of it counts for all of them") {
    const TempDir dir;
    const TestJournal it(
        {.path = dir.path("history"), .retention_of = rule_for_hot({.events = 1}), .marks = 2});
    for (const char* topic : {"hot1", "hot2", "hot3"}) it.fill(topic, 2);  // 1, 3, 5 are gone.
    CHECK(missing(it, {"cold"}) == 1);
    CHECK(missing(it, {"cold"}, 1) == 0);
    CHECK(missing(it, {"hot2"}, 1) == 3);
    CHECK(missing(it, {"hot3"}, 1) == 5);
  }

  TEST_CASE("an id is found no more when its event is gone") {
    const TempDir dir;
    const TestJournal it(
        {.path = dir.path("history"), .retention_of = rule_for_hot({.events = 1})});
    static_cast<void>(it.append({{.topics = {"hot"}, .data = "x", .id = "mine"}}));
    CHECK(it.find("mine") == 1);
    it.fill("hot", 1);
    CHECK(it.find("mine") == std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::journal
