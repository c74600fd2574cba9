#include <array>
#include <unistd.h>

#include "tests/journal/child.h"
#include "tests/journal/file_help.h"

namespace sluice::journal {
namespace {

/// Told by one process, awaited by another; made before both.
class Signal {
 public:
  Signal() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }
  void give() const { CHECK(::write(write_.get(), "!", 1) == 1); }
  void await() const {
    char byte = 0;
    CHECK(::read(read_.get(), &byte, 1) == 1);
  }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

std::string text_of(const Numbers& numbers) {
  std::string text;
  for (const std::uint64_t number : numbers) text += std::to_string(number) + " ";
  return text;
}

TEST_SUITE("a history that is handed over") {
  TEST_CASE("is gone on with by the next process, and still followed by the one before") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history")};
    Child before([&](int out) {
      TestJournal it(options);
      Witness witness;
      it.journal->follow(witness);
      it.fill("a", 2);
      it.journal->hand_over();
      say(out, "yours");
      for (std::size_t seen = 0; (seen = witness.seen) < 602;) witness.seen.wait(seen);
      say(out, std::to_string(it.journal->last().value()));
      say(out, text_of(witness.positions));
    });
    REQUIRE(before.read_lines(1) == "yours\n");
    TestJournal after(options);
    CHECK(after.journal->last() == sse::Position(2));
    std::vector<sse::Draft> drafts(600, draft("a"));
    CHECK(after.append(drafts).size() == 600);  // More than it looks at in one go.
    CHECK(before.read_lines(1) == "602\n");
    Numbers all(602);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i + 1;
    CHECK(before.read_lines(1) == text_of(all) + "\n");
    CHECK(before.wait());
  }

  TEST_CASE("takes nothing from publishers here, and says that it is for a moment") {
    const TempDir dir;
    TestJournal it({.path = dir.path("history")});
    it.fill("a", 1);
    it.journal->hand_over();
    const auto refused = it.try_append({draft("a")});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::limit);
    REQUIRE(it.journal->take_back().has_value());
    it.fill("a", 1);
    CHECK(positions_of(it.read_all()) == Numbers{1, 2});
  }

  TEST_CASE("is taken back behind what the other process stored before it died") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history")};
    const Signal go;
    Child other([&](int out) {
      go.await();
      const TestJournal it(options);
      CHECK(it.append({draft("a"), draft("b")}).size() == 2);
      say(out, "stored");
      ::_exit(1);
    });
    TestJournal it(options);
    Witness witness;
    it.journal->follow(witness);
    it.fill("a", 1);
    it.journal->hand_over();
    go.give();
    REQUIRE(other.read_lines(1) == "stored\n");
    CHECK_FALSE(other.wait());
    REQUIRE(it.journal->take_back().has_value());
    it.fill("a", 1);
    CHECK(witness.positions == Numbers{1, 2, 3, 4});
    CHECK(positions_of(it.read_all()) == Numbers{1, 2, 3, 4});
  }

  TEST_CASE("is not taken back while the other process has it") {
    const TempDir dir;
    const FileOptions options{.path = dir.path("history")};
    const Signal go;
    Child other([&](int out) {
      go.await();
      const TestJournal it(options);
      say(out, "mine");
      ::pause();  // Until it is killed.
    });
    TestJournal it(options);
    it.fill("a", 1);
    it.journal->hand_over();
    go.give();
    REQUIRE(other.read_lines(1) == "mine\n");
    CHECK_FALSE(it.journal->take_back().has_value());
    CHECK_FALSE(it.try_append({draft("a")}).has_value());
    other.kill();
    CHECK(it.journal->take_back().has_value());
    it.fill("a", 1);
    CHECK(positions_of(it.read_all()) == Numbers{1, 2});
  }
}

}  // namespace
}  // namespace sluice::journal
