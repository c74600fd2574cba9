#include "gateway/relay/event_filter.h"

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/gateway_relay/filter_property.h"

namespace sluice::relay {
namespace {

using namespace std::string_view_literals;

/// What comes out of a new filter.
std::string through(std::string_view in, std::size_t piece = std::string_view::npos) {
  EventFilter one;
  std::string out;
  for (; !in.empty(); in.remove_prefix(std::min(piece, in.size()))) {
    one.feed(in.substr(0, piece), kBounds, out);
  }
  one.finish(kBounds, out);
  return out;
}

/// What comes out, with "♥" as often as a heartbeat may come between two bytes.
std::string beating(std::string_view in) {
  EventFilter one;
  std::string out;
  for (const char c : in) {
    one.feed({&c, 1}, kBounds, out);
    if (one.at_boundary()) out += "♥";
  }
  return out;
}

const std::vector<std::string_view> kStreams{
    ""sv,
    "data: a\n\n"sv,
    "data: a\n\ndata: b\n\n"sv,
    "data: a\r\n\r\ndata: b\r\n\r\n"sv,
    "data: a\r\rdata: b\r\r"sv,
    "data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\n\n\r\r\n\r\n"sv,
    "\xef\xbb\xbf"
    "data: a\n\n"sv,
    "\xef\xbb\xbf\xef\xbb\xbf"
    "data: a\n\ndata: b\n\n"sv,
    "\xef\xbb"
    "data: a\n\ndata: b\n\n"sv,
    "\xef\n\ndata: a\n\n"sv,
    "\xef\xbb\xbf"sv,
    "\xef\xbb"sv,
    "\xef\xbb\xbf\r\n\r\ndata: a\n\n"sv,
    ":\n:comment\n\n:\n\ndata: a\n: inside\ndata: b\n\n: behind\n"sv,
    ":\r:\r\n: a\r\r\n:\n\r"sv,
    "retry: 5\n\nretry: 5000\n\nretry: 99999999\n\n"sv,
    "retry:5\r\nretry:  5\rretry: 5 \nretry: -5\nretry: +5\nretry:\nretry\nretry: \n\n"sv,
    "retry: 0\nretry: 000\nretry: 0005\nretry: 0007200000\nretry: 00x\n\n"sv,
    "retry: 18446744073709551615\nretry: 18446744073709551616\nretry: 99999999999999999999x\n\n"sv,
    "retry: 1000\nretry: 999\nretry: 3600000\nretry: 3600001\n\n"sv,
    "Retry: 5\nretry : 5\n retry: 5\nretryy: 5\nretr: 5\nret\nr\nretr5: 5\n\n"sv,
    "data: retry: 5\nid: retry\n:retry: 5\nxretry: 5\n\n"sv,
    "retry: 5\xc3\xa9\nretry: 5\0\nretry: \xd9\xa5\n\n"sv,
    "retry: 7"sv,
    "retry: 00"sv,
    "id: 1\n\nid\n\nid: x\0y\ndata: a\n\nid: 2\ndata: half"sv,
    "event: a\ndata\n\nevent: b\n\nfoo: bar\n\nfoo\ndata:\ndata\n\n"sv,
    "data: {\"delta\":\"to\"}\n\ndata: [DONE]\n\n"sv,
    "\0\n\0: x\n\ndata: \0\n\n"sv,
};

TEST_SUITE("the event filter") {
  TEST_CASE("what is no byte order mark and no retry passes as it is") {
    for (const std::string_view text :
         {"data: a\r\n\r\n: x\rid\n\nfoo\r\r\nhalf"sv, "\xff\xfe\n\0\x01\n"sv, "\n\r\n\r"sv}) {
      for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        CHECK(through(text, piece) == text);
      }
    }
  }

  TEST_CASE(
      "a byte order mark at the very beginning is dropped; a part of one, and a second, pass") {
    CHECK(through("\xef\xbb\xbf:\n") == ":\n");
    CHECK(through("\xef\xbb\xbf:\n", 1) == ":\n");
    CHECK(through("\xef\xbb\xbf\xef\xbb\xbf:", 1) == "\xef\xbb\xbf:");
    CHECK(through("\xef\xbb:\n", 1) == "\xef\xbb:\n");
    CHECK(through("\xef\xbb") == "\xef\xbb");
    CHECK(through("\n\xef\xbb\xbf:") == "\n\xef\xbb\xbf:");
  }

  TEST_CASE("a retry is kept within bounds, whatever its line ends in") {
    struct Row {
      std::string_view in, out;
    };
    const std::vector<Row> table{
        {"retry: 5\n", "retry: 1000\n"},
        {"retry:5\r\n", "retry:1000\r\n"},
        {"retry: 5\r", "retry: 1000\r"},
        {"retry: 1000\n", "retry: 1000\n"},
        {"retry: 3000\n", "retry: 3000\n"},
        {"retry: 3600001\n", "retry: 3600000\n"},
        {"retry: 0\n", "retry: 01000\n"},
        {"retry: 0007\n", "retry: 0001000\n"},
        {"retry: 99999999999999999999999999\n", "retry: 3600000\n"},
    };
    for (const Row& row : table) {
      CAPTURE(row.in);
      for (std::size_t piece = 1; piece <= row.in.size(); ++piece) {
        CHECK(through(row.in, piece) == row.out);
      }
    }
  }

  TEST_CASE("what no client takes for a retry passes as it is") {
    for (const std::string_view line :
         {"retry:  5\n"sv, "retry: 5 \n"sv, "retry: -5\n"sv, "retry: 5s\n"sv, "retry: 0x5\n"sv,
          "retry:\n"sv, "retry: \n"sv, "retry\n"sv, "Retry: 5\n"sv, "retry : 5\n"sv,
          " retry: 5\n"sv, "retryx: 5\n"sv, "data: retry: 5\n"sv, ":retry: 5\n"sv, "retr: 5\n"sv}) {
      CAPTURE(line);
      for (std::size_t piece = 1; piece <= line.size(); ++piece)
        CHECK(through(line, piece) == line);
    }
  }

  TEST_CASE("the bounds are the route's; without a least one, 0 stays 0") {
    EventFilter one;
    std::string out;
    one.feed("retry: 0\nretry: 00\nretry: 7\nretry: 11\n", {Millis(0), Millis(10)}, out);
    CHECK(out == "retry: 0\nretry: 00\nretry: 7\nretry: 10\n");
  }

  TEST_CASE("only the digits of a retry wait for the end of their line") {
    EventFilter one;
    std::string out;
    one.feed("data: a\nretry: 0012", kBounds, out);
    CHECK(out == "data: a\nretry: 00");
    one.feed("34", kBounds, out);
    CHECK(out == "data: a\nretry: 00");
    one.feed("\n", kBounds, out);
    CHECK(out == "data: a\nretry: 001234\n");
  }

  TEST_CASE("a heartbeat may come where nothing has begun: not in an event, not in a line") {
    CHECK(beating("data: a\n\ndata: b\n\n") == "data: a\n\n♥data: b\n\n♥");
    CHECK(beating("a\r\n\r\n") == "a\r\n\r♥\n♥");
    CHECK(beating(": x\n:\ndata: a\n: y\n\n") == ": x\n♥:\n♥data: a\n: y\n\n♥");
    CHECK(beating("retry: 2000\n\nid: 1\n\nfoo\n\n") == "retry: 2000\n\n♥id: 1\n\n♥foo\n\n♥");
    CHECK(beating("\xef\xbb\xbf\n") == "♥\n♥");
    CHECK(EventFilter().at_boundary());
  }

  TEST_CASE("a heartbeat is a comment, a comment with a blank line, or an event of its own type") {
    const auto heartbeat = [](HeartbeatForm form) {
      std::string out;
      EventFilter().heartbeat(form, "ping", out);
      return out;
    };
    CHECK(heartbeat(HeartbeatForm::line) == ":\n");
    CHECK(heartbeat(HeartbeatForm::block) == ":\n\n");
    CHECK(heartbeat(HeartbeatForm::event) == "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    CHECK(heartbeat(HeartbeatForm::off).empty());
  }

  TEST_CASE("between CR and LF it makes no blank line: that LF is dropped") {
    EventFilter one;
    std::string out;
    one.feed("data: a\r\n\r", kBounds, out);
    one.heartbeat(HeartbeatForm::line, {}, out);
    one.heartbeat(HeartbeatForm::line, {}, out);
    one.feed("\ndata: b\r\n\r\n", kBounds, out);
    CHECK(out == "data: a\r\n\r:\n:\ndata: b\r\n\r\n");
    one.heartbeat(HeartbeatForm::line, {}, out);
    one.feed("\n", kBounds, out);
    CHECK(out == "data: a\r\n\r:\n:\ndata: b\r\n\r\n:\n\n");
  }

  TEST_CASE("a drain takes the rest of the event that has begun, and nothing of the next one") {
    EventFilter one;
    std::string out;
    one.feed("data: a", kBounds, out);
    CHECK(one.feed_to_boundary("\r\ndata: b\r\n\r\ndata: c\r\n\r\n", kBounds, out) == 13);
    CHECK(out == "data: a\r\ndata: b\r\n\r\n");
    CHECK(one.feed_to_boundary("data: c\r\n\r\n", kBounds, out) == 0);
    CHECK(one.at_boundary());
  }

  TEST_CASE("a drain that is not done takes all, and goes on with the next piece") {
    EventFilter one;
    std::string out;
    one.feed("data", kBounds, out);
    CHECK(one.feed_to_boundary(": a\n", kBounds, out) == 4);
    CHECK_FALSE(one.at_boundary());
    CHECK(one.feed_to_boundary("\n\n", kBounds, out) == 1);
    CHECK(one.at_boundary());
  }

  TEST_CASE("events are counted when they are whole, comments and blank lines are none") {
    EventFilter one;
    std::string out;
    one.feed(":c\n\n\ndata: 1\n", kBounds, out);
    CHECK(one.events() == 0);
    one.feed("\r\n", kBounds, out);
    CHECK(one.events() == 1);
    one.feed("id: 2\r\rdata: 3\n\ndata: 4", kBounds, out);
    CHECK(one.events() == 3);
  }

  TEST_CASE("a client sees the same events, ids and clamped retries, wherever the stream is cut") {
    for (const std::string_view stream : kStreams) {
      CAPTURE(stream);
      for (const auto form : {HeartbeatForm::line, HeartbeatForm::block, HeartbeatForm::off}) {
        for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
          check_filter(stream, form, [&] { return piece; });
        }
        for (std::size_t cut = 1; cut < stream.size(); ++cut) {
          std::size_t next = cut;
          check_filter(stream, form, [&] { return std::exchange(next, stream.size()); });
        }
      }
      for (std::size_t begun = 0; begun <= stream.size(); ++begun) {
        check_drain(stream, begun, [] { return 1; });
        check_drain(stream, begun, [&] { return stream.size(); });
      }
    }
  }

  TEST_CASE("so it is with streams put together at random") {
    const std::vector<std::string_view> parts{
        "\n"sv,           "\r"sv,      "\r\n"sv,     ":"sv,        "data"sv,    "data: "sv,
        "id: "sv,         "event: "sv, "0"sv,        "retry"sv,    "retry: "sv, "retry:"sv,
        "12"sv,           "5000"sv,    "99999999"sv, " "sv,        "x"sv,       "\0"sv,
        "\xef\xbb\xbf"sv, "\xef"sv,    "\n\n"sv,     "\r\n\r\n"sv, "\r\r"sv,    "retr"sv};
    std::mt19937 random(20240607);  // NOLINT(cert-msc51-cpp): the same streams each time.
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    for (int round = 0; round < 3'000; ++round) {
      std::string stream;
      for (std::size_t n = below(40); n > 0; --n) stream += parts[below(parts.size())];
      CAPTURE(stream);
      const std::size_t longest = 1 + below(9);
      const auto next = [&] { return 1 + below(longest); };
      check_filter(stream, round % 2 == 0 ? HeartbeatForm::line : HeartbeatForm::block, next);
      check_drain(stream, below(stream.size() + 1), next);
    }
  }

  TEST_CASE("a heartbeat that is an event is one more event, and changes no other") {
    const std::string_view stream = "id: 1\r\ndata: a\r\n\r\ndata: b\n\n";
    EventFilter one;
    std::string out;
    for (const char c : stream) {
      if (one.at_boundary()) one.heartbeat(HeartbeatForm::event, "ping", out);
      one.feed({&c, 1}, kBounds, out);
    }
    auto messages = sse::interpret(out).messages;
    std::erase_if(messages, [](const auto& message) {
      return message.type == "ping" && message.data == "{\"type\":\"ping\"}";
    });
    CHECK(messages == sse::interpret(stream).messages);
    CHECK(sse::interpret(out).messages.size() == 2 + 3);
  }
}

}  // namespace
}  // namespace sluice::relay
