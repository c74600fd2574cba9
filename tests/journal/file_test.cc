#include "gateway/journal/file.h"

#include <filesystem>
#include <thread>

#include "tests/journal/child.h"
#include "tests/journal/file_help.h"

namespace sluice::journal {
namespace {

TEST_SUITE("the file journal") {
  TEST_CASE("goes on where it was when it is opened again: epoch, positions, events") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    const std::string epoch = it.journal->epoch();
    CHECK(ids_of(it.append({draft("a"), draft("b")})) == Texts{epoch + "-1", epoch + "-2"});
    it.reopen();
    CHECK(it.journal->epoch() == epoch);
    CHECK(it.journal->last() == sse::Position(2));
    CHECK(ids_of(it.append({draft("c")})) == Texts{epoch + "-3"});
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3});
  }

  TEST_CASE("keeps everything there is of an event") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    const auto receipts = it.append({{.topics = {"first", "second", "first"},
                                      .data = "two\nlines",
                                      .id = "own",
                                      .type = "price",
                                      .retry = 5s,
                                      .is_private = true,
                                      .key = "state",
                                      .ttl = 1h}});
    CHECK(ids_of(receipts) == Texts{"own"});
    it.reopen();
    const Page page = it.read_all();
    REQUIRE(page.events.size() == 1);
    const sse::Event& event = *page.events[0];
    CHECK(event.topics == Texts{"first", "second", "first"});
    CHECK(event.id == "own");
    CHECK(event.has_own_id);
    CHECK(event.is_private);
    CHECK(event.key == "state");
    CHECK(event.time == it.clock.wall());
    CHECK(event.expires == it.clock.wall() + 1h);
    CHECK(event.wire == "id: own\nevent: price\nretry: 5000\ndata: two\ndata: lines\n\n");
  }

  TEST_CASE("answers when the followers have had the events") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    Witness witness;
    it.journal->follow(witness);
    std::promise<std::size_t> seen;
    it.journal->append({draft("a"), draft("b")},
                       [&](const auto&) { seen.set_value(witness.seen); });
    CHECK(seen.get_future().get() == 2);
  }

  TEST_CASE("knows its newest event before any follower does") {
    struct Asking final : Follower {
      explicit Asking(const Journal& of) : journal(of) {}
      void on_events(std::span<const sse::EventPtr> events) override {
        is_known = journal.last() >= events.back()->position;
      }
      const Journal& journal;
      bool is_known = false;
    };
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    Asking asking(*it.journal);
    it.journal->follow(asking);
    CHECK(it.append({draft("a"), draft("b")}).size() == 2);
    CHECK(asking.is_known);
    CHECK(it.journal->last() == sse::Position(2));
  }

  TEST_CASE("keeps one order, whoever appends at the same time, and stores many in one group") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .sync = Sync::never});
    Witness witness;
    it.journal->follow(witness);
    std::atomic<int> answered{0};
    std::vector<std::thread> publishers;
    for (int i = 0; i < 4; ++i) {
      publishers.emplace_back([&] {
        for (int j = 0; j < 250; ++j) {
          it.journal->append({draft("t"), draft("t")}, [&](const auto& receipts) {
            if (receipts) ++answered;
          });
        }
      });
    }
    for (std::thread& publisher : publishers) publisher.join();
    it.reopen();
    CHECK(answered == 1000);
    CHECK(it.counters.writer.groups.value() < 1000);
    Numbers expected;
    for (std::uint64_t i = 1; i <= 2000; ++i) expected.push_back(i);
    CHECK(witness.positions == expected);
    CHECK(positions_of(it.read_all()) == expected);
  }

  TEST_CASE("what was published before is not published again, even after a restart") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history"), .repeats = {.window = 10min}});
    const sse::Draft order{.topics = {"t"}, .data = "x", .once = "order-7"};
    sse::Draft named = order;
    named.id = "mine";
    named.once = "order-8";
    const auto first = it.append({order, order, named});
    CHECK_FALSE(first[0].is_repeat);
    CHECK(first[1].is_repeat);
    CHECK(first[1].id == first[0].id);
    it.reopen();
    const auto second = it.append({named, order});
    CHECK(ids_of(second) == Texts{"mine", first[0].id});
    CHECK(second[0].is_repeat);
    CHECK(positions_of(it.read_all()) == Numbers{1, 2});
    it.pass(10min);
    it.reopen();
    CHECK_FALSE(it.append({order})[0].is_repeat);
  }

  TEST_CASE("says so when too much waits, and loses nothing of what it took") {
    const TempDir dir;
    std::atomic<int> stored{0};
    std::atomic<int> refused{0};
    {
      TestJournal it({.path = dir.path("history"), .sync = Sync::never, .queue_events = 10});
      for (int i = 0; i < 5000; ++i) {
        it.journal->append({draft("t")}, [&](const auto& receipts) {
          ++(receipts ? stored : refused);
          if (!receipts) CHECK(receipts.error().code == Errc::limit);
        });
      }
    }
    CHECK(stored + refused == 5000);
    CHECK(refused > 0);
    CHECK(TestJournal({.path = dir.path("history")}).read_all().events.size() ==
          static_cast<std::size_t>(stored));
  }

  TEST_CASE("stores what waits when it is closed") {
    const TempDir dir;
    std::atomic<int> stored{0};
    {
      TestJournal it({.path = dir.path("history"), .sync = Sync::never});
      for (int i = 0; i < 500; ++i) {
        it.journal->append({draft("t")}, [&](const auto& receipts) { stored += receipts ? 1 : 0; });
      }
    }
    CHECK(stored == 500);
  }

  TEST_CASE("the disk is told at intervals, and not for every group, when that is asked for") {
    const TempDir dir;
    TestJournal it(
        {.path = dir.path("history"), .sync = Sync::interval, .sync_interval = Millis(100)});
    it.fill("t", 5);
    CHECK(it.counters.writer.syncs.value() == 0);
    it.pass(100ms);
    CHECK(it.counters.writer.syncs.value() == 1);
    it.pass(100ms);
    CHECK(it.counters.writer.syncs.value() == 1);  // Nothing new.
  }

  TEST_CASE("gives other ids when the machine went down before the disk had all of them") {
    const TempDir dir;
    const FileOptions options{
        .path = dir.path("history"), .sync = Sync::never, .boot_id = "monday"};
    const auto killed = [&](const FileOptions& its) {
      Child child([&](int out) {
        const TestJournal it(its);
        static_cast<void>(it.append({draft("a")}));
        say(out, it.journal->epoch());
        ::pause();
      });
      return child.read_lines(1);  // And then it is killed.
    };
    FileOptions tuesday = options;
    tuesday.boot_id = "tuesday";
    FileOptions durable = tuesday;
    durable.sync = Sync::always;
    const std::string first = killed(options);
    CHECK(killed(options) == first);  // Only the process went down.
    const std::string second = killed(tuesday);
    CHECK(second != first);
    TestJournal it(tuesday);
    CHECK(it.journal->epoch() + "\n" == second);
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3});  // They are kept.
    it.options.boot_id = "wednesday";
    it.reopen();  // It was closed well.
    CHECK(it.journal->epoch() + "\n" == second);
    it.journal.reset();
    CHECK(killed(durable) == second);
    durable.boot_id = "friday";
    CHECK(killed(durable) == second);
  }

  TEST_CASE("its files are for its user alone") {
    const TempDir dir;
    const TestJournal it({.path = dir.path("history")});
    namespace fs = std::filesystem;
    const auto others = fs::perms::group_all | fs::perms::others_all;
    CHECK((fs::status(dir.path("history")).permissions() & others) == fs::perms::none);
    int files = 0;
    for (const auto& entry : fs::directory_iterator(dir.path("history"))) {
      CHECK((entry.status().permissions() & others) == fs::perms::none);
      ++files;
    }
    CHECK(files == 3);
  }
}

}  // namespace
}  // namespace sluice::journal
