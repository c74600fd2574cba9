#include "gateway/redis/entry.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::redis {
namespace {

using namespace std::chrono_literals;
using Fields = std::vector<std::pair<std::string, std::string>>;

/// As Redis answers with an entry.
Reply reply_of(std::string_view id, const Fields& fields) {
  std::string text = "*2\r\n$" + std::to_string(id.size()) + "\r\n" + std::string(id) + "\r\n";
  Words words;
  for (const auto& [name, value] : fields) {
    words.add(name);
    words.add(value);
  }
  text += words.command();
  Decoder decoder;
  decoder.feed(std::as_bytes(std::span(text)));
  auto reply = decoder.next();
  REQUIRE(reply.has_value());
  REQUIRE(reply->has_value());
  return std::move(**reply);
}

std::optional<Entry> read(std::string_view id, const Fields& fields) {
  return read_entry(reply_of(id, fields), "epoch");
}

/// What the script writes, with more.
Fields with(Fields more) {
  Fields fields{{"topic", "t"}, {"data", "x"}, {"time", "2000000"}, {"prev", "1000000"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

/// What the script is given, as it would stand in the stream.
Entry stored(const sse::Draft& draft) {
  Words words;
  add_draft(draft, words);
  const std::string text = words.command();
  Decoder decoder;
  decoder.feed(std::as_bytes(std::span(text)));
  const auto reply = decoder.next();
  REQUIRE(reply->has_value());
  const Reply& given = **reply;
  CHECK(given[0].integer() == static_cast<std::int64_t>(given.size() - 1));
  Fields fields{{"time", "2000000"}};
  for (std::size_t i = 1; i < given.size(); i += 2) {
    std::string name(given[i].text());
    std::string value(given[i + 1].text());
    if (name == "ttl") {  // The script makes this of it.
      name = "expires";
      value = std::to_string(2'000 + std::stoll(value));
    }
    fields.emplace_back(name, value);
  }
  auto entry = read("7-0", fields);
  REQUIRE(entry.has_value());
  REQUIRE(entry->event != nullptr);
  return std::move(*entry);
}

TEST_SUITE("an entry of the stream") {
  TEST_CASE("is what was published, when it is read") {
    const auto entry = stored({.topics = {"a", "b"},
                               .data = "two\nlines",
                               .id = "mine",
                               .type = "paid",
                               .retry = 1500ms,
                               .is_private = true,
                               .key = "k",
                               .ttl = 5s});
    CHECK(entry.position == sse::Position(7));
    CHECK(entry.mark == 2'000'000);
    CHECK(entry.event->topics == std::vector<std::string>{"a", "b"});
    CHECK(entry.event->wire == "id: mine\nevent: paid\nretry: 1500\ndata: two\ndata: lines\n\n");
    CHECK(entry.event->is_private);
    CHECK(entry.event->key == "k");
    const WallTime published{2s};
    CHECK_FALSE(entry.event->is_expired(published + 4999ms));
    CHECK(entry.event->is_expired(published + 5001ms));
  }

  TEST_CASE("has an id by its place where the publisher gave none") {
    CHECK(stored({.topics = {"t"}, .data = "x"}).event->wire == "id: epoch-7\ndata: x\n\n");
  }

  TEST_CASE("knows the one before it") {
    const auto entry = read("2-0", with({}));
    REQUIRE(entry.has_value());
    CHECK(entry->prev == 1'000'000);
    CHECK(entry->epoch.empty());
  }

  TEST_CASE("may be the beginning of another epoch, and no event") {
    const auto entry = read("2-0", {{"epoch", "next"}, {"time", "5"}, {"prev", "4"}});
    REQUIRE(entry.has_value());
    CHECK(entry->epoch == "next");
    CHECK(entry->event == nullptr);
  }

  TEST_CASE("of somebody else is told from ours") {
    CHECK_FALSE(read("2-1", with({})).has_value());
    CHECK_FALSE(read("1764451234567-3", with({})).has_value());
    CHECK_FALSE(read("0-0", with({})).has_value());
    CHECK_FALSE(read("x", with({})).has_value());
    CHECK_FALSE(read("", with({})).has_value());
    CHECK_FALSE(
        read("9007199254740993-0", with({})).has_value());  // The script cannot count so far.
    CHECK_FALSE(read("2-0", {{"topic", "t"}, {"data", "x"}}).has_value());
    CHECK_FALSE(read("2-0", {}).has_value());
    for (const char* time : {"", "0", "-1", "soon", "4503599627370497", "99999999999999999999"}) {
      CAPTURE(time);
      CHECK_FALSE(read("2-0", {{"topic", "t"}, {"time", time}}).has_value());
    }
  }

  TEST_CASE("of somebody else stands behind one of our places") {
    CHECK(place_of(reply_of("5-3", {})) == sse::Position(5));
    CHECK(place_of(reply_of("5-0", {})) == sse::Position(5));
    CHECK(place_of(reply_of("x", {})) == sse::Position(0));
  }

  TEST_CASE("that holds no event that could be shown is passed over, not guessed at") {
    const auto is_event = [](const Fields& fields) {
      const auto entry = read("2-0", fields);
      REQUIRE(entry.has_value());
      CHECK(entry->mark == 2'000'000);  // What follows, follows it.
      return entry->event != nullptr;
    };
    CHECK(is_event(with({})));
    CHECK_FALSE(is_event({{"data", "no topic"}, {"time", "2000000"}}));
    CHECK_FALSE(is_event(with({{"data", "\xff"}})));
    CHECK_FALSE(is_event(with({{"topic", "a\nb"}})));
    CHECK_FALSE(is_event(with({{"topic", "\xc0\x80"}})));
    CHECK_FALSE(is_event(with({{"id", "a\rb"}})));
    CHECK_FALSE(is_event(with({{"type", "a\nb"}})));
    CHECK_FALSE(is_event(with({{"key", std::string("\0", 1)}})));
    CHECK_FALSE(is_event(with({{"retry", "soon"}})));
    CHECK_FALSE(is_event(with({{"retry", "-1"}})));
    CHECK_FALSE(is_event(with({{"retry", "99999999999999"}})));
  }

  TEST_CASE("has a time to live that no number can break") {
    const auto expires = [](const char* value, WallTime when) {
      const auto entry = read("2-0", with({{"expires", value}}));
      REQUIRE(entry.has_value());
      REQUIRE(entry->event != nullptr);
      return entry->event->is_expired(when);
    };
    const WallTime now{10s};
    CHECK(expires("-9223372036854775808", now));
    CHECK(expires("0", now));
    CHECK_FALSE(expires("9223372036854775807", now));
    CHECK_FALSE(expires("inf", now));
    CHECK(read("2-0", {{"topic", "t"}, {"time", "4503599627370496"}, {"expires", "7657199627370"}})
              ->event != nullptr);
  }

  TEST_CASE("has fields that nobody knows yet") {
    const auto entry = read("2-0", with({{"colour", "red"}, {"", ""}}));
    REQUIRE(entry.has_value());
    CHECK(entry->event->wire == "id: epoch-2\ndata: x\n\n");
  }

  TEST_CASE("of any shape is read without harm") {
    for (const std::string_view text :
         {"*0\r\n", ":1\r\n", "$-1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$3\r\n2-0\r\n:5\r\n",
          "*2\r\n$3\r\n2-0\r\n*3\r\n$4\r\ntime\r\n*1\r\n:5\r\n$1\r\nx\r\n",
          "*1\r\n$3\r\n2-0\r\n"}) {
      CAPTURE(text);
      Decoder decoder;
      decoder.feed(std::as_bytes(std::span(text)));
      const auto reply = decoder.next();
      REQUIRE(reply->has_value());
      CHECK_FALSE(read_entry(**reply, "epoch").has_value());
    }
  }
}

TEST_SUITE("what the script is given of an event") {
  TEST_CASE("is within what the script takes, whatever the publisher said") {
    Words words;
    add_draft({.topics = {"t"},
               .data = "",
               .retry = std::chrono::milliseconds::max(),
               .ttl = std::chrono::milliseconds::max()},
              words);
    const std::string command = words.command();
    CHECK(command.find("3153600000000") != std::string::npos);  // A hundred years.
    CHECK(command.find(std::to_string(std::numeric_limits<std::int64_t>::max())) ==
          std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::redis
