#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/h1/application.h"

namespace sluice::h1 {
namespace {

using namespace std::string_view_literals;

struct Probe {
  std::string_view name;
  std::string_view answer;
  std::string_view story;
};

/// The answer's end is where the caller's story says, wherever it is cut: in two pieces at every
/// place, and byte by byte.
void check_at_every_cut(const Probe& probe, const http::Outgoing& request, bool leaves = false) {
  CAPTURE(probe.name);
  CHECK(story_of(request, probe.answer, std::string_view::npos, leaves) == probe.story);
  CHECK(story_of(request, probe.answer, 1, leaves) == probe.story);
  for (std::size_t cut = 1; cut < probe.answer.size(); ++cut) {
    CAPTURE(cut);
    Application app;
    StagedCaller caller;
    app.ask(request, caller);
    app.say(probe.answer.substr(0, cut));
    app.say(probe.answer.substr(cut));
    if (leaves) app.leave();
    const bool is_closed = app.session->is_finished();
    CHECK(caller.story() + (is_closed ? ", closed" : "") == probe.story);
  }
}

void check_all(const std::vector<Probe>& probes, const http::Outgoing& request = get(),
               bool leaves = false) {
  for (const Probe& probe : probes) check_at_every_cut(probe, request, leaves);
}

http::Outgoing head_request() {
  http::Outgoing request = get();
  request.head.method = "HEAD";
  return request;
}

/// A probe that ends the connection, whatever follows.
Probe bad(std::string_view name, std::string_view answer) {
  return {name, answer, "- |  | malformed, closed"};
}

TEST_SUITE("HTTP/1.1 answers") {
  TEST_CASE("every framing says where the body ends") {
    check_all({
        {"a length", "HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 5\r\n\r\nhello",
         "200 x=1 (5) | hello | end"},
        {"no length at all", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "200 (0) |  | end"},
        {"chunks",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
         "200 | hello | end"},
        {"chunks in other letters",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n",
         "200 | 0123456789 | end"},
        {"chunks with extensions",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;x=y\r\na\r\n0;z\r\n\r\n",
         "200 | a | end"},
        {"trailers, which are dropped",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n",
         "200 | a | end"},
        {"the end of the connection, which may come", "HTTP/1.1 200 OK\r\n\r\nhello",
         "200 | hello | open"},
    });
  }

  TEST_CASE("only an answer without a length ends with the connection") {
    check_all(
        {
            {"neither length nor chunks", "HTTP/1.1 200 OK\r\n\r\nhello",
             "200 | hello | end by close, closed"},
            {"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", "200 | hello | end by close, closed"},
            {"nothing in it", "HTTP/1.0 200 OK\r\n\r\n", "200 |  | end by close, closed"},
            {"a length", "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello",
             "200 (6) | hello | closed, closed"},
            {"chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
             "200 | hel | closed, closed"},
            {"chunks without the last line",
             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
             "200 |  | closed, closed"},
            {"half a head", "HTTP/1.1 200 OK\r\n", "- |  | closed, closed"},
            {"a head of 1xx only", "HTTP/1.1 100 Continue\r\n\r\n", "- |  | closed, closed"},
            {"nothing", "", "- |  | closed, closed"},
        },
        get(), true);
  }

  TEST_CASE("answers that have no body have none, whatever their head says") {
    check_all({
        {"204", "HTTP/1.1 204 No Content\r\n\r\n", "204 |  | end"},
        {"204 with a length", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n",
         "204 |  | end"},
        {"204 with chunks", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n",
         "204 |  | end"},
        {"304 with the length of what it does not send",
         "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "304 (5) |  | end"},
        {"a body behind a 204", "HTTP/1.1 204 No Content\r\ncontent-length: 1\r\n\r\na",
         "204 |  | end, closed"},
    });
    check_all(
        {
            {"HEAD with a length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
             "200 (5) |  | end"},
            {"HEAD with chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
             "200 |  | end"},
            {"HEAD without either", "HTTP/1.1 200 OK\r\n\r\n", "200 |  | end"},
            {"HEAD with a body", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
             "200 (1) |  | end, closed"},
        },
        head_request());
  }

  TEST_CASE("heads of 1xx are dropped") {
    check_all({
        {"100", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "204 |  | end"},
        {"103 with fields",
         "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
         "204 |  | end"},
        {"a length, which means nothing there",
         "HTTP/1.1 102 Processing\r\ncontent-length: 3\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
         "204 |  | end"},
        bad("101, which nobody asked for",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: "
            "upgrade\r\n\r\n"),
    });
  }

  TEST_CASE("ten heads of 1xx are borne, and no more") {
    const auto story = [](int n) {
      std::string answer;
      for (int i = 0; i < n; ++i) answer += "HTTP/1.1 102 Processing\r\n\r\n";
      return story_of(get(), answer + "HTTP/1.1 204 No Content\r\n\r\n", 1);
    };
    CHECK(story(10) == "204 |  | end");
    CHECK(story(11) == "- |  | malformed, closed");
  }

  TEST_CASE("odd heads that everybody understands are read") {
    check_all({
        {"no reason", "HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", "200 (0) |  | end"},
        {"not even the blank before it", "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
         "200 (0) |  | end"},
        {"a reason in another language",
         "HTTP/1.1 200 \xC3\xA9t\xC3\xA9\r\ncontent-length: 0\r\n\r\n", "200 (0) |  | end"},
        {"an unknown status", "HTTP/1.1 599 Odd\r\ncontent-length: 0\r\n\r\n", "599 (0) |  | end"},
        {"blanks around a value", "HTTP/1.1 200 OK\r\nX:  \t a b \t \r\ncontent-length:0\r\n\r\n",
         "200 x=a b (0) |  | end"},
        {"an empty value", "HTTP/1.1 200 OK\r\nx:\r\ny: 1\r\ncontent-length: 0\r\n\r\n",
         "200 x= y=1 (0) |  | end"},
        {"a value beyond ASCII", "HTTP/1.1 200 OK\r\nx: \xE9\r\ncontent-length: 0\r\n\r\n",
         "200 x=\xE9 (0) |  | end"},
        {"the same field twice",
         "HTTP/1.1 200 OK\r\nset-cookie: a\r\nset-cookie: b\r\ncontent-length: 0\r\n\r\n",
         "200 set-cookie=a set-cookie=b (0) |  | end"},
    });
  }

  TEST_CASE("what concerns the connection stays on it") {
    check_all({
        {"hop-by-hop fields",
         "HTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\nproxy-connection: x\r\nte: x\r\ntrailer: "
         "x\r\n"
         "upgrade: h2c\r\na: 1\r\ncontent-length: 0\r\n\r\n",
         "200 a=1 (0) |  | end"},
        {"fields that connection names",
         "HTTP/1.1 200 OK\r\nconnection: X-One, ,x-two\r\nx-one: 1\r\nX-Two: 2\r\nx-three: 3\r\n"
         "content-length: 0\r\n\r\n",
         "200 x-three=3 (0) |  | end"},
        {"a length that connection names counts as one",
         "HTTP/1.1 200 OK\r\nconnection: content-length\r\ncontent-length: 1\r\n\r\na",
         "200 (1) | a | end"},
    });
  }

  TEST_CASE("the connection is kept when both sides want it") {
    check_all({
        {"HTTP/1.1", "HTTP/1.1 204 No Content\r\n\r\n", "204 |  | end"},
        {"close", "HTTP/1.1 204 No Content\r\nconnection: Close\r\n\r\n", "204 |  | end, closed"},
        {"close among others", "HTTP/1.1 204 No Content\r\nconnection: x, close\r\n\r\n",
         "204 |  | end, closed"},
        {"HTTP/1.0", "HTTP/1.0 204 No Content\r\n\r\n", "204 |  | end, closed"},
        {"HTTP/1.0 that keeps it",
         "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na",
         "200 (1) | a | end"},
    });
  }

  TEST_CASE("an answer whose end could be read in two ways is none") {
    check_all({
        bad("a length beside chunks",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"),
        bad("chunks beside a length",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n"),
        bad("two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"),
        bad("the same length twice",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n"),
        bad("a list of lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n"),
        bad("a signed length", "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n"),
        bad("a negative length", "HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n"),
        bad("a hex length", "HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\n"),
        bad("an empty length", "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n"),
        bad("a length past 64 bits",
            "HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n"),
        bad("a length with a blank inside", "HTTP/1.1 200 OK\r\ncontent-length: 5 5\r\n\r\n"),
        bad("another coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"),
        bad("chunked after another", "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
        bad("chunked before another",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n"),
        bad("identity", "HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\n"),
        bad("chunked twice",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n"),
        bad("a coding with a vertical tab",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: \vchunked\r\n\r\n"),
        bad("a quoted coding", "HTTP/1.1 200 OK\r\ntransfer-encoding: \"chunked\"\r\n\r\n"),
        bad("no coding", "HTTP/1.1 200 OK\r\ntransfer-encoding:\r\n\r\n"),
        bad("chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        bad("both, where there is no body",
            "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"),
        bad("both, in a head of 1xx",
            "HTTP/1.1 100 Continue\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"),
    });
  }

  TEST_CASE("lines of the wrong form are refused") {
    check_all({
        bad("a blank before a colon", "HTTP/1.1 200 OK\r\nx : y\r\n\r\n"),
        bad("a tab before a colon", "HTTP/1.1 200 OK\r\nx\t: y\r\n\r\n"),
        bad("a blank before the colon of a length",
            "HTTP/1.1 200 OK\r\ncontent-length : 5\r\n\r\n"),
        bad("a folded line", "HTTP/1.1 200 OK\r\nx: y\r\n content-length: 5\r\n\r\n"),
        bad("a line folded with a tab", "HTTP/1.1 200 OK\r\nx: y\r\n\tz\r\n\r\n"),
        bad("a folded first line", "HTTP/1.1 200 OK\r\n x: y\r\n\r\n"),
        bad("no colon", "HTTP/1.1 200 OK\r\nxyz\r\n\r\n"),
        bad("no name", "HTTP/1.1 200 OK\r\n: z\r\n\r\n"),
        bad("a name that is no token", "HTTP/1.1 200 OK\r\nx(y): z\r\n\r\n"),
        bad("a name beyond ASCII", "HTTP/1.1 200 OK\r\nx\xC3\xA9: z\r\n\r\n"),
        bad("NUL in a name", "HTTP/1.1 200 OK\r\nx\0y: z\r\n\r\n"sv),
        bad("NUL in a value", "HTTP/1.1 200 OK\r\nx: y\0z\r\n\r\n"sv),
        bad("a control character in a value", "HTTP/1.1 200 OK\r\nx: \x1B[2J\r\n\r\n"),
        bad("DEL in a value", "HTTP/1.1 200 OK\r\nx: y\x7Fz\r\n\r\n"),
        bad("a bare CR in a value", "HTTP/1.1 200 OK\r\nx: y\rz: 1\r\n\r\n"),
        bad("a bare CR in the status line", "HTTP/1.1 200 OK\rx: y\r\n\r\n"),
        bad("NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n"sv),
        bad("bare LF after the status line", "HTTP/1.1 200 OK\nx: y\r\n\r\n"),
        bad("bare LF after a field", "HTTP/1.1 200 OK\r\nx: y\ncontent-length: 0\r\n\r\n"),
        bad("bare LF as the end", "HTTP/1.1 200 OK\r\nx: y\r\n\n"),
        bad("bare LF throughout", "HTTP/1.1 200 OK\ncontent-length: 0\n\n"),
    });
  }

  TEST_CASE("a status line is one of HTTP/1.0 or HTTP/1.1, with three digits") {
    check_all({
        bad("HTTP/0.9", "hello\r\n\r\n"),
        bad("an empty line before it", "\r\nHTTP/1.1 200 OK\r\n\r\n"),
        bad("a blank before it", " HTTP/1.1 200 OK\r\n\r\n"),
        bad("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n"),
        bad("HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n"),
        bad("HTTP/1.10", "HTTP/1.10 200 OK\r\n\r\n"),
        bad("HTTP/01.1", "HTTP/01.1 200 OK\r\n\r\n"),
        bad("small letters", "http/1.1 200 OK\r\n\r\n"),
        bad("ICY", "ICY 200 OK\r\n\r\n"),
        bad("no status", "HTTP/1.1 \r\n\r\n"),
        bad("no status and no blank", "HTTP/1.1\r\n\r\n"),
        bad("two digits", "HTTP/1.1 20 OK\r\n\r\n"),
        bad("two digits and the end", "HTTP/1.1 20\r\n\r\n"),
        bad("four digits", "HTTP/1.1 2000 OK\r\n\r\n"),
        bad("a signed status", "HTTP/1.1 +20 OK\r\n\r\n"),
        bad("a letter", "HTTP/1.1 2OO OK\r\n\r\n"),
        bad("000", "HTTP/1.1 000 OK\r\n\r\n"),
        bad("099", "HTTP/1.1 099 OK\r\n\r\n"),
        bad("600", "HTTP/1.1 600 OK\r\n\r\n"),
        bad("two blanks", "HTTP/1.1  200 OK\r\n\r\n"),
        bad("a tab", "HTTP/1.1\t200 OK\r\n\r\n"),
        bad("nothing between status and reason", "HTTP/1.1 200OK\r\n\r\n"),
        bad("a request", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        bad("a server that is none", "220 mail.test ESMTP\r\n\r\n"),
    });
  }

  TEST_CASE("a chunk that could be read in two ways ends the call") {
    const std::string begin = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (const Probe& probe : std::vector<Probe>{
             {"a signed size", "+1\r\na\r\n", "200 |  | malformed, closed"},
             {"a blank before the size", " 1\r\na\r\n", "200 |  | malformed, closed"},
             {"a blank after the size", "1 \r\na\r\n", "200 |  | malformed, closed"},
             {"0x", "0x1\r\na\r\n", "200 |  | malformed, closed"},
             {"no size", "\r\na\r\n", "200 |  | malformed, closed"},
             {"a size past 64 bits", "10000000000000001\r\n", "200 |  | malformed, closed"},
             {"bare LF after the size", "1\na\r\n", "200 |  | malformed, closed"},
             {"bare CR in an extension", "1;\rx\r\na\r\n", "200 |  | malformed, closed"},
             {"bare LF in an extension", "1;x\na\r\n", "200 |  | malformed, closed"},
             {"bare LF after the data", "1\r\na\n0\r\n\r\n", "200 | a | malformed, closed"},
             {"more data than its size", "1\r\nab\r\n", "200 | a | malformed, closed"},
             {"bare LF after the last size", "0\n\r\n", "200 |  | malformed, closed"},
             {"bare LF after a trailer", "0\r\nx: y\n\r\n", "200 |  | malformed, closed"},
             {"bare LF as the end", "0\r\n\n", "200 |  | malformed, closed"},
             {"a folded trailer", "0\r\nx: y\r\n z\r\n\r\n", "200 |  | malformed, closed"},
         }) {
      const std::string answer = begin + std::string(probe.answer);
      check_at_every_cut({probe.name, answer, probe.story}, get());
    }
  }

  TEST_CASE("what comes behind an answer ends the connection, and never answers the next call") {
    check_all({
        {"another answer", "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nevil",
         "204 |  | end, closed"},
        {"a line's end", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na\r\n",
         "200 (1) | a | end, closed"},
        {"a byte behind the last chunk",
         "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n0", "200 |  | end, closed"},
    });
  }

  TEST_CASE("a head larger than the limit is too large, in one line or in many") {
    const std::string line(33000, 'a');
    CHECK(story_of(get(), line, 4096) == "- |  | too large, closed");
    CHECK(story_of(get(), "HTTP/1.1 200 OK\r\nx: " + line, 4096) == "- |  | too large, closed");
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 101; ++i) many += "x: y\r\n";
    CHECK(story_of(get(), many + "\r\n", 4096) == "- |  | too large, closed");
  }

  TEST_CASE("a head at the limit is read") {
    std::string many = "HTTP/1.1 204 No Content\r\n";
    for (int i = 0; i < 100; ++i) many += "x: " + std::string(300, 'y') + "\r\n";
    REQUIRE(many.size() < 32768);
    CHECK(story_of(get(), many + "\r\n", 4096).ends_with("|  | end"));
  }

  TEST_CASE("extensions and trailers of a body are bounded") {
    const std::string begin = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const std::string many(9000, 'x');
    CHECK(story_of(get(), begin + "1;" + many, 512) == "200 |  | malformed, closed");
    CHECK(story_of(get(), begin + "0\r\n" + many, 512) == "200 |  | malformed, closed");
  }
}

}  // namespace
}  // namespace sluice::h1
