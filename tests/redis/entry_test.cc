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

/// As the script writes it.
std::string text_of(const Fields& lines, std::string_view data = "x",
                    std::string_view marks = "2000000 1000000 64") {
  std::string text(marks);
  text += '\n';
  for (const auto& [name, value] : lines) text += name + ' ' + value + '\n';
  text += '\n';
  text += data;
  return text;
}

std::optional<Entry> read_text(std::string_view id, const std::string& text) {
  return read(id, {{"event", text}});
}

/// An event of the topic "t", with more.
std::string with(const Fields& more) {
  Fields lines{{"topic", "t"}};
  lines.insert(lines.end(), more.begin(), more.end());
  return text_of(lines);
}

/// What the script is given, as it would stand in the stream.
Entry stored(const sse::Draft& draft) {
  Words words;
  add_draft(draft, words);
  const std::string command = words.command();
  Decoder decoder;
  decoder.feed(std::as_bytes(std::span(command)));
  const auto reply = decoder.next();
  REQUIRE(reply->has_value());
  const Reply& given = **reply;
  CHECK(given[0].integer() == static_cast<std::int64_t>(given.size() - 1));
  Fields lines;
  std::string data;
  for (std::size_t i = 1; i < given.size(); i += 2) {
    std::string name(given[i].text());
    std::string value(given[i + 1].text());
    if (name == "data") {
      data = value;
      continue;
    }
    if (name == "ttl") {  // The script makes this of it.
      name = "expires";
      value = std::to_string(2'000 + std::stoll(value));
    }
    lines.emplace_back(name, value);
  }
  auto entry = read_text("7-0", text_of(lines, data));
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
    const auto entry = read_text("2-0", with({}));
    REQUIRE(entry.has_value());
    CHECK(entry->prev == 1'000'000);
    CHECK(entry->epoch.empty());
  }

  TEST_CASE("may be the beginning of another epoch, and no event") {
    const auto entry = read_text("2-0", text_of({{"epoch", "next"}}, "", "5 4 64"));
    REQUIRE(entry.has_value());
    CHECK(entry->epoch == "next");
    CHECK(entry->event == nullptr);
  }

  TEST_CASE("has data of any lines, empty ones and those that look like its own") {
    for (const char* data : {"", "\n", "\n\nx", "topic u\nid mine\n\n", "epoch next\n"}) {
      CAPTURE(data);
      const auto entry = read_text("2-0", text_of({{"topic", "t"}}, data));
      REQUIRE(entry.has_value());
      REQUIRE(entry->event != nullptr);
      CHECK(entry->event->topics == std::vector<std::string>{"t"});
      CHECK(entry->event->id == "epoch-2");
    }
  }

  TEST_CASE("of somebody else is told from ours") {
    for (const char* id : {"2-1", "1764451234567-3", "0-0", "x", "",
                           "9007199254740993-0"}) {  // The script cannot count so far.
      CAPTURE(id);
      CHECK_FALSE(read_text(id, with({})).has_value());
    }
    CHECK_FALSE(read("2-0", {{"topic", "t"}, {"data", "x"}}).has_value());
    CHECK_FALSE(read("2-0", {{"event", with({})}, {"more", ""}}).has_value());
    CHECK_FALSE(read("2-0", {}).has_value());
    for (const char* marks :
         {"", "5", "5 4", "5 4 ", "0 0 0", "-1 0 0", "soon 0 0", "5 x 0", "5 4 x", "5 4 3 2",
          "5  4 3", " 5 4 3", "4503599627370497 0 0", "99999999999999999999 0 0"}) {
      CAPTURE(marks);
      CHECK_FALSE(read_text("2-0", text_of({{"topic", "t"}}, "x", marks)).has_value());
    }
    CHECK_FALSE(read_text("2-0", "5 4 3").has_value());
  }

  TEST_CASE("of somebody else stands behind one of our places") {
    CHECK(place_of(reply_of("5-3", {})) == sse::Position(5));
    CHECK(place_of(reply_of("5-0", {})) == sse::Position(5));
    CHECK(place_of(reply_of("x", {})) == sse::Position(0));
  }

  TEST_CASE("that holds no event that could be shown is passed over, not guessed at") {
    const auto is_event = [](const std::string& text) {
      const auto entry = read_text("2-0", text);
      REQUIRE(entry.has_value());
      CHECK(entry->mark == 2'000'000);  // What follows, follows it.
      return entry->event != nullptr;
    };
    CHECK(is_event(with({})));
    CHECK_FALSE(is_event(text_of({{"id", "no topic"}})));
    CHECK_FALSE(is_event(text_of({{"topic", "t"}}, "\xff")));
    CHECK_FALSE(is_event("2000000 1000000 64\n"));
    CHECK_FALSE(is_event("2000000 1000000 64\ntopic t"));
    CHECK_FALSE(is_event("2000000 1000000 64\ntopic t\n"));
    CHECK_FALSE(is_event("2000000 1000000 64\ntopic t\nno-value\n\nx"));
    CHECK_FALSE(is_event(with({{"topic", "\xc0\x80"}})));
    CHECK_FALSE(is_event(with({{"id", "a\rb"}})));
    CHECK_FALSE(is_event(with({{"type", "a\tb"}})));
    CHECK_FALSE(is_event(with({{"key", std::string("\0", 1)}})));
    CHECK_FALSE(is_event(with({{"retry", "soon"}})));
    CHECK_FALSE(is_event(with({{"retry", "-1"}})));
    CHECK_FALSE(is_event(with({{"retry", "99999999999999"}})));
  }

  TEST_CASE("has a time to live that no number can break") {
    const auto expires = [](const char* value, WallTime when) {
      const auto entry = read_text("2-0", with({{"expires", value}}));
      REQUIRE(entry.has_value());
      REQUIRE(entry->event != nullptr);
      return entry->event->is_expired(when);
    };
    const WallTime now{10s};
    CHECK(expires("-9223372036854775808", now));
    CHECK(expires("0", now));
    CHECK_FALSE(expires("9223372036854775807", now));
    CHECK_FALSE(expires("inf", now));
    CHECK(read_text("2-0", text_of({{"topic", "t"}, {"expires", "7657199627370"}}, "x",
                                   "4503599627370496 0 0"))
              ->event != nullptr);
  }

  TEST_CASE("has lines that nobody knows yet") {
    const auto entry = read_text("2-0", with({{"colour", "red"}, {"", ""}}));
    REQUIRE(entry.has_value());
    CHECK(entry->event->wire == "id: epoch-2\ndata: x\n\n");
  }

  TEST_CASE("of any shape is read without harm") {
    for (const std::string_view text :
         {"*0\r\n", ":1\r\n", "$-1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$3\r\n2-0\r\n:5\r\n",
          "*2\r\n$3\r\n2-0\r\n*2\r\n$5\r\nevent\r\n*1\r\n:5\r\n", "*1\r\n$3\r\n2-0\r\n"}) {
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
