#include "gateway/sse/encoder.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/sse/event.h"
#include "gateway/sse/event_id.h"

namespace sluice::sse {
namespace {

using std::chrono::milliseconds;

std::string data_only(std::string_view data) {
  return encode({.id = {}, .type = {}, .data = data, .retry = {}});
}

TEST_SUITE("the encoder") {
  TEST_CASE("an event is its fields, one a line, and a blank line") {
    CHECK(encode({.id = "7", .type = "price", .data = "42", .retry = milliseconds(1500)}) ==
          "id: 7\nevent: price\nretry: 1500\ndata: 42\n\n");
  }

  TEST_CASE("an empty id line takes back the id that sticks, where there is none") {
    CHECK(encode({.id = "", .type = "", .data = "a", .retry = {}, .resets_id = true}) ==
          "id\ndata: a\n\n");
    CHECK(encode({.id = "1", .type = "", .data = "a", .retry = {}, .resets_id = true}) ==
          "id: 1\ndata: a\n\n");
  }

  TEST_CASE("data is cut into lines at LF, CR and CRLF alike, so that it cannot break out") {
    CHECK(data_only("a\nb\rc\r\nd") == "data: a\ndata: b\ndata: c\ndata: d\n\n");
    CHECK(data_only("x\n\nevent: evil\n") == "data: x\ndata: \ndata: event: evil\ndata: \n\n");
    CHECK(data_only("\r\r\n") == "data: \ndata: \ndata: \n\n");
  }

  TEST_CASE("a line ends where it ends, however long it is") {
    for (std::size_t size = 250; size < 520; ++size) {
      CAPTURE(size);
      const std::string line(size, 'x');
      for (const std::string end : {"\r", "\n", "\r\n"}) {
        CHECK(data_only(line + end + "y") == "data: " + line + "\ndata: y\n\n");
      }
      CHECK(data_only(line) == "data: " + line + "\n\n");
    }
  }

  TEST_CASE("an event without data still has a data line: without one, no browser dispatches it") {
    CHECK(data_only("") == "data: \n\n");
  }

  TEST_CASE("a retry is never less than half a second, or a browser would hammer") {
    CHECK(retry_line(milliseconds(0)) == "retry: 500\n");
    CHECK(retry_line(milliseconds(2500)) == "retry: 2500\n");
  }

  TEST_CASE("ids and types with line ends, control characters or outer blanks are refused") {
    for (const std::string& bad :
         {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3), std::string("a\x7f"),
          std::string(" a"), std::string("a "), std::string("\xff"), std::string("\xc0\x80"),
          std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"), std::string(11, 'x')}) {
      CAPTURE(bad);
      CHECK_FALSE(check_text("id", bad, 10));
    }
    CHECK(check_text("id", "", 10));
    CHECK(check_text("id", "\xc3\xa9\xe2\x82\xac", 10));
    CHECK(check_text("id", "a\tb", 10).error().what == "id holds a control character (0x09)");
  }

  TEST_CASE("a gap event has an id and data of its own, and repeats no odd characters") {
    CHECK(encode_gap(GapReason::epoch, "k3f9x2a1-4", "zzzzzzzz-9") ==
          "id: k3f9x2a1-4\nevent: gap\n"
          "data: {\"reason\":\"epoch\",\"last_event_id\":\"zzzzzzzz-9\"}\n\n");
    CHECK(encode_gap(GapReason::unknown, "k3f9x2a1-4", "\"}\n").find("\"last_event_id\":\"\"") !=
          std::string::npos);
  }
}

TEST_SUITE("event ids") {
  TEST_CASE("an id names its epoch and its position, and can be read back") {
    const std::string id = make_id("k3f9x2a1", Position(1234));
    CHECK(id == "k3f9x2a1-1234");
    const auto parsed = parse_id(id);
    REQUIRE(parsed);
    CHECK(parsed->epoch == "k3f9x2a1");
    CHECK(parsed->position == Position(1234));
  }

  TEST_CASE("what a publisher chose is not taken for an id of ours") {
    for (const char* text : {"", "order-17", "K3F9X2A1-1", "k3f9x2a1-", "k3f9x2a1-x", "k3f9x2a1-1x",
                             "k3f9x2a1-99999999999999999999", "k3f9x2a11"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_id(text));
    }
  }

  TEST_CASE("each history has an epoch of its own") {
    CHECK(make_epoch() != make_epoch());
    CHECK(parse_id(make_id(make_epoch(), Position(1))));
  }

  TEST_CASE("an event keeps the publisher's id, and gets one where there is none") {
    CHECK(make_event({.topics = {"t"}, .data = "x", .id = "mine"}, Position(3), "k3f9x2a1")->id ==
          "mine");
    CHECK(make_event({.topics = {"t"}, .data = "x"}, Position(3), "k3f9x2a1")->wire ==
          "id: k3f9x2a1-3\ndata: x\n\n");
  }
}

}  // namespace
}  // namespace sluice::sse
