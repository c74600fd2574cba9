#include "gateway/server/publish_parser.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

/// All events of a text that comes in pieces of `size` bytes.
std::vector<Fields> parse(std::string_view text, std::size_t size = 1'000'000,
                          const Fields& common = {}) {
  PublishParser parser(common, 10'000);
  std::vector<Fields> events;
  for (std::size_t at = 0; at < text.size(); at += size) {
    std::string_view piece = text.substr(at, size);
    while (!piece.empty()) {
      auto event = parser.next(piece);
      REQUIRE(event);
      if (*event) events.push_back(std::move(**event));
    }
  }
  return events;
}

TEST_SUITE("a stream that is published") {
  TEST_CASE("has events with the fields of a publisher") {
    const auto events = parse(
        "topic: a\ntopic: b\nid: 7\nevent: note\nretry: 700\nprivate\nkey: k\nttl: 5m\n"
        "data: two\ndata: lines\ncolour: blue\n\n");
    REQUIRE(events.size() == 1);
    CHECK(events[0].topics == std::vector<std::string>{"a", "b"});
    CHECK(events[0].id == "7");
    CHECK(events[0].type == "note");
    CHECK(events[0].retry == "700");
    CHECK(events[0].is_private);
    CHECK(events[0].key == "k");
    CHECK(events[0].ttl == "5m");
    CHECK(events[0].data == "two\nlines");
  }

  TEST_CASE("gives nothing of an event to the next one") {
    const auto events =
        parse("topic: a\nid: 7\ntype: note\nretry: 700\nprivate\ndata: x\n\ndata: y\n\n");
    REQUIRE(events.size() == 2);
    CHECK(events[0].type == "note");
    CHECK(events[1].topics.empty());
    CHECK(events[1].id.empty());
    CHECK(events[1].type.empty());
    CHECK_FALSE(events[1].retry);
    CHECK_FALSE(events[1].is_private);
  }

  TEST_CASE("may have fields for all events, which an event's own replace") {
    Fields common;
    common.topics = {"default"};
    common.type = "note";
    common.is_private = true;
    const auto events = parse("data: x\n\ntopic: own\nevent: other\ndata: y\n\n", 1000, common);
    REQUIRE(events.size() == 2);
    CHECK(events[0].topics == std::vector<std::string>{"default"});
    CHECK(events[0].type == "note");
    CHECK(events[0].is_private);
    CHECK(events[1].topics == std::vector<std::string>{"own"});
    CHECK(events[1].type == "other");
    CHECK(events[1].is_private);
  }

  TEST_CASE("is the same in pieces of any size and with any line ends") {
    const std::string_view text =
        "\xef\xbb\xbf:\r\nid: 1\r\ndata: a\r\n\r\ndata:b\rdata\r\r: c\n\ndata:  d\n\n";
    for (std::size_t size = 1; size <= text.size(); ++size) {
      CAPTURE(size);
      const auto events = parse(text, size);
      REQUIRE(events.size() == 3);
      CHECK(events[0].id == "1");
      CHECK(events[0].data == "a");
      CHECK(events[1].data == "b\n");
      CHECK(events[2].data == " d");
    }
  }

  TEST_CASE("has no event where there is no data, as the standard has it") {
    CHECK(parse("id: 1\n\nretry: 700\n\n:\n\n\n\ntopic: a\n\n").empty());
    CHECK(parse("data\n\n").size() == 1);
  }

  TEST_CASE("is left alone behind the event that was asked for") {
    PublishParser parser({}, 100);
    std::string_view input = "data: a\n\ndata: b\n\n";
    const auto first = parser.next(input);
    REQUIRE((first && *first));
    CHECK((**first).data == "a");
    CHECK(input == "data: b\n\n");
  }

  TEST_CASE("knows when its end would lose an event") {
    PublishParser parser({}, 100);
    struct Step {
      std::string_view text;
      bool is_inside;
    };
    for (const Step& step :
         {Step{"data: a\n\n", false}, Step{": comment", false}, Step{"\nretry: 7\n", false},
          Step{"data: x", true}, Step{"\n", true}, Step{"\n", false}}) {
      CAPTURE(step.text);
      std::string_view input = step.text;
      REQUIRE(parser.next(input));
      CHECK(parser.is_inside() == step.is_inside);
    }
  }

  TEST_CASE("refuses an event that is too large, but no number of comments") {
    PublishParser parser({}, 20);
    for (int i = 0; i < 100; ++i) {
      std::string_view comment = ": I am here\n";
      REQUIRE(parser.next(comment));
    }
    std::string_view good = "data: 01234567890123\n\n";
    CHECK(parser.next(good)->has_value());
    std::string_view large = "data: 012345\ndata: 012345\n\n";
    const auto refused = parser.next(large);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::limit);
  }
}

}  // namespace
}  // namespace sluice::server
