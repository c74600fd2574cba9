#include "gateway/sse/parser.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/sse/encoder.h"

namespace sluice::sse {
namespace {

/// What a client would see of a stream.
struct Seen {
  std::vector<std::string> messages;  ///< "type|id|data"
  std::vector<long> retries;
  int overflows = 0;
  std::string last_id;

  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen read(std::string_view stream, std::size_t piece = std::string_view::npos,
          std::size_t max_event = 1_MiB) {
  Seen seen;
  Parser parser(
      {.on_message =
           [&](Message&& message) {
             seen.messages.push_back(message.type + "|" + message.id + "|" + message.data);
           },
       .on_retry = [&](auto retry) { seen.retries.push_back(retry.count()); },
       .on_overflow = [&] { ++seen.overflows; }},
      max_event);
  while (!stream.empty()) {
    parser.feed(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
  }
  seen.last_id = parser.last_id();
  return seen;
}

using Texts = std::vector<std::string>;

TEST_SUITE("the parser") {
  TEST_CASE("fields make an event, a blank line ends it") {
    CHECK(read("id: 1\nevent: price\ndata: a\ndata: b\n\n").messages == Texts{"price|1|a\nb"});
  }

  TEST_CASE("says of each event whether its id is its own, and tells ids without an event") {
    std::string seen;
    Parser parser(
        {.on_message =
             [&](Message&& message) { seen += message.id + (message.has_own_id ? "! " : " "); },
         .on_retry = {},
         .on_overflow = {},
         .on_lone_id = [&](const std::string& id) { seen += "(" + id + ") "; }});
    parser.feed("id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\nevent: x\n\nid\ndata: d\n\n");
    CHECK(seen == "1! 1 (2) 2 ! ");
  }

  TEST_CASE("LF, CR and CRLF end lines, mixed as they like") {
    CHECK(read("data: a\r\n\r\ndata: b\r\rdata: c\n\n").messages == Texts{"||a", "||b", "||c"});
  }

  TEST_CASE("one blank behind the colon is dropped, no more; a line without colon is a field") {
    CHECK(read("data:  a\n\ndata\n\ndata:\n\n").messages == Texts{"|| a", "||", "||"});
  }

  TEST_CASE("comments and unknown fields are ignored") {
    CHECK(read(":\n: hello\nfoo: bar\ndata: a\n\n").messages == Texts{"||a"});
  }

  TEST_CASE("an id sticks, also of a block without data; one with NUL is ignored") {
    CHECK(read("id: 1\n\ndata: a\n\n").messages == Texts{"|1|a"});
    CHECK(read(std::string_view("id: 1\n\nid: x\0y\ndata: a\n\n", 24)).messages == Texts{"|1|a"});
    CHECK(read("id: 5\ndata: half").last_id.empty());
  }

  TEST_CASE("retry takes digits only") {
    CHECK(read("retry: 700\nretry: 7s\nretry: -1\nretry:\n").retries == std::vector<long>{700});
  }

  TEST_CASE("one byte order mark at the start is dropped, a second one is text") {
    CHECK(read("\xef\xbb\xbf"
               "data: a\n\n")
              .messages == Texts{"||a"});
    CHECK(read("\xef\xbb\xbf\xef\xbb\xbf"
               "data: a\n\n")
              .messages.empty());
    CHECK(read("\xef\xbb"
               "data: a\ndata: b\n\n")
              .messages == Texts{"||b"});
  }

  TEST_CASE("an event that is not ended is not an event") {
    CHECK(read("data: a\n").messages.empty());
  }

  TEST_CASE("an event past the limit is skipped and reported, and the next one is read") {
    const std::string large = "data: " + std::string(500, 'x') + "\ndata: y\n\ndata: a\n\n";
    const Seen seen = read(large, std::string::npos, 100);
    CHECK(seen.overflows == 1);
    CHECK(seen.messages == Texts{"||a"});
  }

  TEST_CASE("how a stream is cut into pieces makes no difference") {
    const std::string stream =
        "\xef\xbb\xbf:\r\nretry: 900\r\nid: 1\r\ndata: a\rdata: b\n\n\nevent: e\ndata\n\r\n:x\n"
        "id: 2\ndata: c\r\n\r\n";
    const Seen whole = read(stream);
    CHECK(whole.messages == Texts{"|1|a\nb", "e|1|", "|2|c"});
    for (std::size_t piece = 1; piece < stream.size(); ++piece) {
      CAPTURE(piece);
      CHECK(read(stream, piece) == whole);
    }
  }

  TEST_CASE("what the encoder writes comes back as it was, but for the kind of its line ends") {
    for (const char* data :
         {"", "a", "a\n", "\n\n", "x\r\ny", ": not a comment", "data: z", " b "}) {
      CAPTURE(data);
      std::string expected = data;
      if (expected == "x\r\ny") expected = "x\ny";
      CHECK(read(encode({.id = "1", .type = "t", .data = data, .retry = {}})).messages ==
            Texts{"t|1|" + expected});
    }
  }
}

}  // namespace
}  // namespace sluice::sse
