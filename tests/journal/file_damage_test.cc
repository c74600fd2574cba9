#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/resource.h>

#include <lmdb.h>

#include "gateway/journal/file.h"
#include "gateway/journal/layout.h"
#include "tests/journal/child.h"
#include "tests/journal/file_help.h"

namespace sluice::journal {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096;  ///< LMDB's, of 4 KiB systems.

/// A history that was closed well: 200 events with "event number N." in them.
struct Written {
  explicit Written(int events = 200) {
    TestJournal it({.path = folder()});
    epoch = it.journal->epoch();
    std::vector<sse::Draft> drafts;
    for (int i = 1; i <= events; ++i) {
      drafts.push_back(draft("a", "event number " + std::to_string(i) + "."));
      if (i % 20 == 0 || i == events) static_cast<void>(it.append(std::exchange(drafts, {})));
    }
  }
  [[nodiscard]] std::string folder() const { return dir.path("history"); }
  [[nodiscard]] std::string file() const { return dir.path("history/history.mdb"); }
  [[nodiscard]] std::string text() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text) const {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << text;
  }
  /// Changes a letter in every copy of an event that the file has.
  void damage_event(int n) const {
    std::string bytes = text();
    const std::string data = "event number " + std::to_string(n) + ".";
    for (std::size_t at = bytes.find(data); at != bytes.npos; at = bytes.find(data, at + 1)) {
      bytes[at] = 'E';
    }
    write(bytes);
  }
  void zero_page(std::size_t number) const {
    std::string bytes = text();
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(number * kPage), kPage, '\0');
    write(bytes);
  }
  [[nodiscard]] int set_aside() const {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(folder())) {
      files += entry.path().filename().string().starts_with("history.damaged-") ? 1 : 0;
    }
    return files;
  }
  /// It is begun anew, works, and the old file is kept.
  void check_begun_anew() const {
    const TestJournal it({.path = folder()});
    CHECK(it.journal->epoch() != epoch);
    CHECK(it.journal->last() == sse::Position(0));
    CHECK(it.append({draft("a")})[0].id == it.journal->epoch() + "-1");
    CHECK(positions_of(it.read_all({"a"})) == Numbers{1});
    CHECK(set_aside() == 1);
  }

  const TempDir dir;
  std::string epoch;
};

std::string refusal(const FileOptions& options) {
  const SteadyClock clock;
  Counters counters;
  const auto opened = FileJournal::open(options, clock, counters);
  return opened ? "" : opened.error().what;
}

/// Puts a value into the table of what the file says of itself, or takes it out.
void change_meta(const std::string& file, MetaKey key, const std::string* value) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi table = 0;
  auto number = static_cast<std::uint64_t>(key);
  MDB_val name{sizeof(number), &number};
  REQUIRE(mdb_env_create(&env) == 0);
  mdb_env_set_maxdbs(env, 16);
  REQUIRE(mdb_env_open(env, file.c_str(), MDB_NOSUBDIR, 0600) == 0);
  REQUIRE(mdb_txn_begin(env, nullptr, 0, &txn) == 0);
  REQUIRE(mdb_dbi_open(txn, "meta", MDB_INTEGERKEY, &table) == 0);
  if (value == nullptr) {
    REQUIRE(mdb_del(txn, table, &name, nullptr) == 0);
  } else {
    std::string copy = *value;
    MDB_val data{copy.size(), copy.data()};
    REQUIRE(mdb_put(txn, table, &name, &data, 0) == 0);
  }
  REQUIRE(mdb_txn_commit(txn) == 0);
  mdb_env_close(env);
}

const std::string kUsed = "opened\nread\nappended\nwell";

/// Opens the history, reads all of it, and appends, in a process that may die of it.
std::string use_in_child(const FileOptions& options) {
  Child child([&](int out) {
    const rlimit none{};
    ::setrlimit(RLIMIT_CORE, &none);
    ::signal(SIGABRT, SIG_DFL);
    const SteadyClock clock;
    Counters counters;
    const auto opened = FileJournal::open(options, clock, counters);
    if (!opened) return say(out, opened.error().what);
    say(out, "opened");
    std::promise<bool> read;
    Query query;
    query.through = sse::Position(1'000'000'000);
    query.max_events = query.max_bytes = query.max_looks = 1'000'000'000;
    (*opened)->read(std::move(query), [&](const auto& page) { read.set_value(page.has_value()); });
    say(out, read.get_future().get() ? "read" : "not read");
    std::promise<bool> appended;
    (*opened)->append({draft("a")},
                      [&](const auto& receipts) { appended.set_value(receipts.has_value()); });
    say(out, appended.get_future().get() ? "appended" : "not appended");
  });
  std::string said = child.read_rest();
  return said + (child.wait() ? "well" : "died");
}

TEST_SUITE("a damaged history") {
  TEST_CASE("that was cut off is set aside, wherever it was cut") {
    for (const std::size_t size : {1U, 100U, 4096U, 5000U, 8192U, 16'384U, 40'000U}) {
      CAPTURE(size);
      const Written written;
      REQUIRE(size < written.text().size());
      fs::resize_file(written.file(), size);
      written.check_begun_anew();
    }
  }

  TEST_CASE("that is something else altogether is set aside") {
    const Written written;
    written.write(std::string(100'000, 'g'));
    written.check_begun_anew();
  }

  TEST_CASE("whose page size is impossible is set aside") {
    const Written written;
    std::string bytes = written.text();
    std::fill_n(bytes.begin() + 40, 4, '\0');
    written.write(bytes);
    written.check_begun_anew();
  }

  TEST_CASE("that does not say what it is is set aside") {
    for (const MetaKey key : {MetaKey::identity, MetaKey::state}) {
      const Written written;
      change_meta(written.file(), key, nullptr);
      written.check_begun_anew();
    }
  }

  TEST_CASE("whose newest event is damaged is set aside") {
    const Written written;
    written.damage_event(200);
    written.check_begun_anew();
  }

  TEST_CASE("in one older event is kept; that event is left out, and its readers are told") {
    const Written written;
    written.damage_event(50);
    const TestJournal it({.path = written.folder()});
    CHECK(it.journal->epoch() == written.epoch);
    for (const Texts& topics : {Texts{}, Texts{"a"}}) {
      const Page page = it.read_all(topics);
      CHECK(page.events.size() == 199);
      CHECK(page.missing == sse::Position(50));
      CHECK(page.through == sse::Position(200));
    }
    CHECK(it.counters.reader.damaged.value() == 1);
    CHECK(written.set_aside() == 0);
  }

  TEST_CASE("with a damaged event still moves on past it") {
    const Written written;
    written.damage_event(50);
    const TestJournal it({.path = written.folder(), .retention = {.events = 100}});
    it.fill("a", 2);
    CHECK(it.journal->evicted() == sse::Position(102));
    CHECK(it.read_all({"a"}).events.size() == 100);
    CHECK(it.read_all().events.size() == 100);
  }

  TEST_CASE("in a page between is set aside at the next start, whichever page it is") {
    const Written written(3000);
    const std::string good = written.text();
    int damaged = 0;
    for (std::size_t page = 2; page < good.size() / kPage; page += 3) {
      CAPTURE(page);
      written.write(good);
      written.zero_page(page);
      const int before = written.set_aside();
      const bool is_needed = use_in_child({.path = written.folder()}) != kUsed;
      CHECK(use_in_child({.path = written.folder()}) == kUsed);
      CHECK(written.set_aside() >= before + (is_needed ? 1 : 0));
      CHECK_FALSE(fs::exists(written.file() + ".broken"));
      damaged += is_needed ? 1 : 0;
    }
    CHECK(damaged > 20);
  }

  TEST_CASE("that was said to be broken, and then moved away, is forgotten") {
    const Written written;
    std::ofstream(written.file() + ".broken") << "a page is not there";
    fs::remove(written.file());
    for (int start = 0; start < 2; ++start) {
      const TestJournal it({.path = written.folder()});
      CHECK(it.append({draft("a")})[0].id.ends_with(start == 0 ? "-1" : "-2"));
    }
    CHECK(written.set_aside() == 0);
  }

  TEST_CASE("of another format is left alone, and said to be so") {
    const Written written;
    const std::string newer = seal(Identity{.format = 2});
    change_meta(written.file(), MetaKey::identity, &newer);
    CHECK(refusal({.path = written.folder()}) ==
          "history: " + written.folder() +
              " has format 2, and this version reads format 1; run the version that wrote it, or "
              "move it away");
    CHECK(written.set_aside() == 0);
  }

  TEST_CASE("an empty file, left by whoever was killed at the first start, is a new history") {
    const Written written;
    written.write("");
    const TestJournal it({.path = written.folder()});
    CHECK(it.journal->last() == sse::Position(0));
    CHECK(written.set_aside() == 0);
  }
}

TEST_SUITE("a folder for history") {
  TEST_CASE("must be a folder that can be made and written") {
    const TempDir dir;
    const std::string file = dir.file("file", "x");
    CHECK(refusal({.path = file}) == "history: cannot use " + file +
                                         ": Not a directory; give a folder that this user can "
                                         "write, as history.path");
    CHECK(refusal({.path = dir.path("none/history")}) ==
          "history: cannot make the folder " + dir.path("none/history") +
              ": No such file or directory; give a folder that this user can write, as "
              "history.path");
  }

  TEST_CASE("is one gateway's at a time") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history")};
    const std::string sentence = "history: " + options.path +
                                 " is in use by another process; stop it, or give this one a "
                                 "folder of its own as history.path";
    Child other([&](int out) {
      const TestJournal it(options);
      say(out, "open");
      ::pause();
    });
    REQUIRE(other.read_lines(1) == "open\n");
    CHECK(refusal(options) == sentence);
    other.kill();
    const TestJournal mine(options);
    CHECK(refusal(options) == sentence);  // Nor twice in one process.
  }
}

/// Appends until it is refused, in events of `size` bytes: how many were taken.
int append_until_refused(const TestJournal& it, std::size_t size, std::string& refused) {
  for (int i = 0; i < 100'000; ++i) {
    const auto receipts = it.try_append({draft("a", std::string(size, 'x'))});
    if (!receipts) {
      refused = receipts.error().what;
      return receipts.error().code == Errc::io ? i : -1;
    }
  }
  return -1;
}

void limit_files(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::signal(SIGXFSZ, SIG_IGN);
}

TEST_SUITE("a full disk") {
  TEST_CASE("refuses what does not fit, keeps the rest, and takes more when there is room") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history"), .sync = Sync::never};
    Child child([&](int out) {
      TestJournal it(options);
      limit_files(3_MiB);
      std::string refused;
      const int first = append_until_refused(it, 2000, refused);
      say(out, first > 200 ? "took some" : "took none");
      say(out, refused);
      const bool is_all_there = it.read_all({"a"}).events.size() == static_cast<std::size_t>(first);
      say(out, is_all_there ? "all there" : "some are gone");
      // All or none: the small one is refused with the large one.
      const bool is_refused = !it.try_append({draft("a"), draft("a", std::string(1_MiB, 'x'))});
      say(out, is_refused ? "refused again" : "taken");
      sse::Draft once = draft("a", std::string(1_MiB, 'x'));
      once.once = "order-7";
      say(out, it.try_append({once}) ? "taken" : "refused");
      const bool is_small =
          fs::file_size(options.path + "/history.mdb") <= static_cast<std::size_t>(3_MiB);
      say(out, is_small ? "small" : "too large");
      limit_files(0);
      const auto more = it.try_append({once});
      say(out, more && !more->at(0).is_repeat ? "no repeat" : "a repeat of nothing");
      const std::string id = it.journal->epoch() + "-" + std::to_string(first + 1);
      say(out, more && more->at(0).id == id ? "goes on" : "does not go on");
      it.reopen();
      const bool is_good = it.read_all().events.size() == static_cast<std::size_t>(first) + 1;
      say(out, is_good ? "good" : "bad");
    });
    CHECK(child.read_rest() ==
          "took some\nhistory in " + options.path +
              " cannot be written: File too large; free some space on that "
              "disk\nall there\nrefused again\nrefused\nsmall\nno repeat\ngoes on\ngood\n");
    CHECK(child.wait());
  }

  TEST_CASE("refuses the batch that is too large, and not those beside it") {
    const TempDir dir;
    const FileOptions options{
        .path = dir.path("history"), .sync = Sync::never, .group_bytes = 64_MiB};
    Child child([&](int out) {
      TestJournal it(options);
      limit_files(4_MiB);
      // They wait together while the first one's answer is waited for.
      std::promise<void> go;
      std::shared_future<void> gone = go.get_future().share();
      std::atomic<int> taken{0};
      std::atomic<int> refused{0};
      it.journal->append({draft("a")}, [gone](const auto&) { gone.wait(); });
      const auto count = [&](const auto& receipts) { ++(receipts ? taken : refused); };
      it.journal->append({draft("a")}, count);
      it.journal->append({draft("a", std::string(8_MiB, 'x'))}, count);
      it.journal->append({draft("a"), draft("a")}, count);
      go.set_value();
      it.journal->tick_for_test();
      it.reopen();
      say(out, std::to_string(taken) + " taken, " + std::to_string(refused) + " refused, " +
                   std::to_string(it.read_all().events.size()) + " there");
    });
    CHECK(child.read_rest() == "2 taken, 1 refused, 4 there\n");
    CHECK(child.wait());
  }

  TEST_CASE("at the start is said, with what to do") {
    const TempDir dir;
    Child child([&](int out) {
      limit_files(1024);
      say(out, refusal({.path = dir.path("history")}));
    });
    CHECK(child.read_rest() == "history: cannot write to " + dir.path("history") +
                                   ": File too large; free some space on that disk\n");
  }
}

TEST_SUITE("a killed gateway") {
  TEST_CASE("has lost nothing that it acknowledged, in whatever moment it was killed") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history"), .retention_of = {}};
    Texts acknowledged;
    std::string epoch;
    for (int round = 0; round < 10; ++round) {
      Child child([&](int out) {
        TestJournal it(options);
        for (int i = 0;; ++i) {
          const std::string once = std::to_string(round) + "/" + std::to_string(i);
          sse::Draft one = draft("topic" + std::to_string(i % 7), std::string(700, 'x'));
          one.once = once;
          it.journal->append({std::move(one), draft("all")}, [out](const auto& receipts) {
            for (const Receipt& receipt : *receipts) say(out, receipt.id);
          });
        }
      });
      std::string said = child.read_lines(100 + 37 * round);
      child.kill();
      said += child.read_rest();
      std::istringstream lines(said);
      for (std::string line; std::getline(lines, line);) acknowledged.push_back(line);

      const TestJournal it(options);
      if (epoch.empty()) epoch = it.journal->epoch();
      CHECK(it.journal->epoch() == epoch);
      const Page page = it.read_all();
      CHECK(page.missing == sse::Position(0));
      Texts stored;
      for (const auto& event : page.events) stored.push_back(event->id);
      CHECK(stored.size() % 2 == 0);  // All of a batch, or nothing.
      // All of them, in order; between them only what was stored and not yet acknowledged.
      CHECK(std::includes(stored.begin(), stored.end(), acknowledged.begin(), acknowledged.end(),
                          [](const std::string& a, const std::string& b) {
                            return std::pair(a.size(), a) < std::pair(b.size(), b);
                          }));
    }
    CHECK(acknowledged.size() > 2000);
  }
}

}  // namespace
}  // namespace sluice::journal
