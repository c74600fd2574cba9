#include "gateway/journal/history.h"

#include "gateway/journal/file.h"
#include "tests/journal/file_help.h"

namespace sluice::journal {
namespace {

using sse::Position;

TEST_SUITE("history in a file") {
  TEST_CASE("is read by topics, in order, and each event once") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history")});
    static_cast<void>(it.append(
        {draft("a"), draft("b"), {.topics = {"a", "c"}, .data = "x"}, draft("c"), draft("b")}));
    CHECK(positions_of(it.read_all({"a", "c"})) == Numbers{1, 3, 4});
    CHECK(positions_of(it.read_all({"c", "b", "c"})) == Numbers{2, 3, 4, 5});
    CHECK(positions_of(it.read_all({"none"})).empty());
    CHECK(it.read_all({"none"}).through == Position(5));
    CHECK(it.read_all({"none"}).missing == Position(0));
  }

  TEST_CASE("is read from behind one place up to another") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history")});
    it.fill("a", 6);
    for (const Texts& topics : {Texts{}, Texts{"a"}}) {
      const Page page =
          it.read({.after = Position(2), .through = Position(4), .topics = topics, .wants = {}});
      CHECK(positions_of(page) == Numbers{3, 4});
      CHECK(page.through == Position(4));
    }
    CHECK(it.read({.after = Position(6), .through = Position(6), .topics = {}, .wants = {}})
              .events.empty());
  }

  TEST_CASE("comes in pages, bounded in events and in bytes") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history")});
    it.fill("a", 5, 100);
    for (const Texts& topics : {Texts{}, Texts{"a"}}) {
      Page page =
          it.read({.after = {}, .through = {}, .topics = topics, .wants = {}, .max_events = 2});
      CHECK(positions_of(page) == Numbers{1, 2});
      CHECK(page.through == Position(2));
      page = it.read(
          {.after = page.through, .through = {}, .topics = topics, .wants = {}, .max_bytes = 300});
      CHECK(positions_of(page) == Numbers{3, 4});
      page = it.read(
          {.after = page.through, .through = {}, .topics = topics, .wants = {}, .max_bytes = 1});
      CHECK(positions_of(page) == Numbers{5});
      CHECK(page.missing == Position(0));
    }
  }

  TEST_CASE("a page ends when enough was looked at, even with nothing in it") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history")});
    it.fill("a", 10);
    int looks = 0;
    const auto wants = [&](const sse::Event& event) {
      ++looks;
      return event.position == Position(6);
    };
    for (const Texts& topics : {Texts{}, Texts{"a"}}) {
      looks = 0;
      Page page =
          it.read({.after = {}, .through = {}, .topics = topics, .wants = wants, .max_looks = 4});
      CHECK(page.events.empty());
      CHECK(page.through == Position(4));
      CHECK(looks == 4);
      page = it.read(
          {.after = page.through, .through = {}, .topics = topics, .wants = wants, .max_looks = 4});
      CHECK(positions_of(page) == Numbers{6});
      CHECK(page.through == Position(8));
      CHECK(page.missing == Position(0));
    }
  }

  TEST_CASE("shows no event whose time is over") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    static_cast<void>(
        it.append({draft("a"), {.topics = {"a"}, .data = "x", .ttl = 1min}, draft("a")}));
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3});
    it.pass(1min);
    CHECK(positions_of(it.read_all()) == Numbers{1, 3});
    CHECK(positions_of(it.read_all({"a"})) == Numbers{1, 3});
    CHECK(it.read_all().missing == Position(0));
  }

  TEST_CASE("finds the earliest event with a publisher's id") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .retention = {.events = 3}});
    const sse::Draft named{.topics = {"a"}, .data = "x", .id = "mine"};
    const auto receipts = it.append({draft("a"), named, named});
    CHECK(it.find("mine") == 2);
    CHECK(it.find("other") == std::nullopt);
    CHECK(it.find(receipts[0].id) == std::nullopt);  // The gateway's own say where they stand.
    it.fill("a", 2);
    CHECK(it.find("mine") == 3);
    it.reopen();
    CHECK(it.find("mine") == 3);
    it.fill("a", 1);
    CHECK(it.find("mine") == std::nullopt);
  }

  TEST_CASE("many readers of the same past read it from the disk once") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"), .cache_bytes = 1_MiB});
    it.fill("a", 100);
    const Page first = it.read_all({"a"});
    const Page second = it.read_all();
    CHECK(first.events == second.events);  // The very same, not copies.
    CHECK(it.counters.reader.cache_misses.value() == 100);
    CHECK(it.counters.reader.cache_hits.value() == 100);
  }

  TEST_CASE("without a cache the same is read, again and again") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history"), .cache_bytes = 0});
    it.fill("a", 3);
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3});
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3});
    CHECK(it.counters.reader.cache_hits.value() == 0);
  }

  TEST_CASE("ten thousand may ask at once; each is answered once, the last ones when it closes") {
    const TempDir dir;
    std::atomic<int> pages{0};
    std::atomic<int> refusals{0};
    {
      const TestJournal it({.path = dir.path("history")});
      it.fill("a", 20);
      for (int i = 0; i < 10'000; ++i) {
        it.journal->read({.after = {}, .through = Position(20), .topics = {"a"}, .wants = {}},
                         [&](const auto& page) {
                           ++(page ? pages : refusals);
                           if (page) CHECK(page->events.size() == 20);
                         });
      }
      CHECK(it.read_all().events.size() == 20);  // Those before it are answered now.
      CHECK(pages == 10'000);
      for (int i = 0; i < 1000; ++i) {
        it.journal->find("none", [&](const auto& found) { ++(found ? pages : refusals); });
      }
    }
    CHECK(pages + refusals == 11'000);
  }
}

}  // namespace
}  // namespace sluice::journal
