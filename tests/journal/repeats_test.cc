#include "gateway/journal/repeats.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::journal {
namespace {

using namespace std::chrono_literals;

const WallTime kStart{1h};

/// Whether `once` is known; remembered as `id` when it is not.
std::string first_id(Repeats& repeats, const std::string& once, std::string id, WallTime now) {
  repeats.expire(now);
  const Repeats::Key key = repeats.key_of(once);
  if (const std::string* first = repeats.find(key)) return *first;
  repeats.remember(key, id, now);
  return id;
}

TEST_SUITE("repeats") {
  TEST_CASE("what was seen once keeps its first id") {
    Repeats repeats({}, 1);
    CHECK(first_id(repeats, "a", "1", kStart) == "1");
    CHECK(first_id(repeats, "a", "2", kStart + 1min) == "1");
    CHECK(first_id(repeats, "b", "3", kStart + 1min) == "3");
  }

  TEST_CASE("it is forgotten when the window is over, counted from the first time") {
    Repeats repeats({.window = 10min}, 1);
    first_id(repeats, "a", "1", kStart);
    CHECK(first_id(repeats, "a", "2", kStart + 9min) == "1");
    CHECK(first_id(repeats, "a", "3", kStart + 10min) == "3");
  }

  TEST_CASE("no more than so many are kept: the oldest go") {
    Repeats repeats({.keys = 2}, 1);
    for (const char* once : {"a", "b", "c"}) first_id(repeats, once, once, kStart);
    repeats.expire(kStart);
    CHECK(repeats.size() == 2);
    CHECK(first_id(repeats, "b", "again", kStart) == "b");
    CHECK(first_id(repeats, "a", "again", kStart) == "again");
  }

  TEST_CASE("what was not appended after all is taken back") {
    Repeats repeats({}, 1);
    first_id(repeats, "a", "1", kStart);
    first_id(repeats, "b", "2", kStart);
    first_id(repeats, "c", "3", kStart);
    repeats.forget_newest(2);
    CHECK(first_id(repeats, "a", "4", kStart) == "1");
    CHECK(first_id(repeats, "b", "5", kStart) == "5");
  }

  TEST_CASE("another history hashes otherwise") {
    CHECK_FALSE(Repeats({}, 1).key_of("a") == Repeats({}, 2).key_of("a"));
  }
}

}  // namespace
}  // namespace sluice::journal
