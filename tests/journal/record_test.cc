#include "gateway/journal/record.h"

#include <doctest/doctest.h>

namespace sluice::journal {
namespace {

using namespace std::chrono_literals;
using sse::Position;

sse::EventPtr some_event() {
  return sse::make_event({.topics = {"a", "b"},
                          .data = "hello",
                          .id = "own",
                          .is_private = true,
                          .key = "k",
                          .ttl = 1min},
                         Position(7), "epoch000", WallTime(1h));
}

TEST_SUITE("a record") {
  TEST_CASE("gives back the event that it was made of") {
    const auto event = some_event();
    const std::string bytes = make_record(*event, true);
    const auto record = parse_record(bytes, Position(7));
    REQUIRE(record);
    CHECK(record->is_ruled);
    const auto again = to_event(*record, Position(7));
    CHECK(again->topics == event->topics);
    CHECK(again->id == "own");
    CHECK(again->key == "k");
    CHECK(again->wire == event->wire);
    CHECK(again->time == event->time);
    CHECK(again->expires == event->expires);
    CHECK(again->has_own_id);
    CHECK(again->is_private);
  }

  TEST_CASE("is good at its own position only") {
    CHECK_FALSE(parse_record(make_record(*some_event(), false), Position(8)));
  }

  TEST_CASE("is not good when any bit of it is another one") {
    const std::string good = make_record(*some_event(), false);
    for (std::size_t i = 0; i < good.size() * 8; ++i) {
      std::string bad = good;
      bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
      CHECK_FALSE(parse_record(bad, Position(7)));
    }
  }

  TEST_CASE("is not good when it is cut short or has something behind it") {
    const std::string good = make_record(*some_event(), false);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string cut = good.substr(0, i);
      CHECK_FALSE(parse_record(cut, Position(7)));
      seal_record(cut, Position(7));
      CHECK_FALSE(parse_record(cut, Position(7)));
    }
    std::string longer = good + "x";
    seal_record(longer, Position(7));
    CHECK_FALSE(parse_record(longer, Position(7)));
  }
}

}  // namespace
}  // namespace sluice::journal
