#include <string>

#include <doctest/doctest.h>

#include "tests/h2/client.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

/// What a hand-made request got: a status that the session answered with, 200 from the service, or
/// the negative code of RST_STREAM.
int outcome(const Fields& fields, Options options = {}) {
  Server server(options);
  greet(server);
  server.feed(headers(1, fields, NGHTTP2_FLAG_END_STREAM));
  const auto frames = parse(server.fill_all());
  if (const auto resets = only(NGHTTP2_RST_STREAM, frames); !resets.empty()) {
    return -static_cast<int>(resets.front().number(0));
  }
  if (!server.service.talks.empty()) return 200;
  Client client;  // Only to read the head with.
  client.ask(get());
  client.take();
  std::string wire;
  for (const Frame& frame : only(NGHTTP2_HEADERS, frames)) wire += to_wire(frame);
  client.feed(to_wire({.type = NGHTTP2_SETTINGS}) + wire);
  return client.replies[1].status;
}

Fields get_with(std::string name, std::string value) {
  Fields fields = get();
  fields.emplace_back(std::move(name), std::move(value));
  return fields;
}

/// get() with one of its pseudo-fields replaced.
Fields get_but(const std::string& name, const std::string& value) {
  Fields fields = get();
  for (auto& [n, v] : fields) {
    if (n == name) v = value;
  }
  return fields;
}

TEST_SUITE("h2 requests") {
  TEST_CASE("what reaches the service is in origin form") {
    CHECK(outcome(get("/")) == 200);
    CHECK(outcome(get("/a/b%20c?x=\"1\"&y")) == 200);
    CHECK(outcome(get("*", "OPTIONS")) == 200);
    CHECK(outcome(get("*")) != 200);
    CHECK(outcome(get("http://a.example/")) != 200);
    CHECK(outcome(get("/a#b")) == 400);
    CHECK(outcome(get("/a\\b")) == 400);
    CHECK(outcome(get("/caf\xc3\xa9")) == 400);
    CHECK(outcome(get("")) != 200);
    CHECK(outcome(get("/a b")) != 200);
    CHECK(outcome(get("/a\x01")) != 200);
  }

  TEST_CASE("a request names one host, without userinfo") {
    CHECK(outcome(get_but(":authority", "a.example:8443")) == 200);
    CHECK(outcome(get_but(":authority", "[::1]:8443")) == 200);
    CHECK(outcome(get_but(":authority", "user@a.example")) == 400);
    CHECK(outcome(get_but(":authority", "a.example,b.example")) == 400);
    CHECK(outcome(get_but(":authority", "")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("host", "A.example")) == 200);
    CHECK(outcome(get_with("host", "b.example")) == 400);
    CHECK(outcome({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}) != 200);
  }

  TEST_CASE("the host field stands in for a missing authority and is not passed on") {
    Server server;
    greet(server);
    server.feed(headers(1,
                        {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "h"}},
                        NGHTTP2_FLAG_END_STREAM));
    REQUIRE(server.service.talks.size() == 1);
    CHECK(server.service.last().request.authority == "h");
    CHECK(server.service.last().request.headers.empty());
  }

  TEST_CASE("methods are tokens, schemes are http or https") {
    CHECK(outcome(get("/", "PURGE")) == 200);
    CHECK(outcome(get("/", "G ET")) != 200);
    CHECK(outcome(get("/", "post")) == 501);  // An application may take it for POST.
    CHECK(outcome(get("/", std::string(33, 'A'))) == 400);
    CHECK(outcome(get_but(":scheme", "HTTPS")) == 200);
    CHECK(outcome(get_but(":scheme", "ftp")) == 400);
    CHECK(outcome({{":method", "CONNECT"}, {":authority", "a.example:443"}}) == 501);
  }

  TEST_CASE("pseudo-fields that are missing, doubled, unknown or late reset the stream") {
    CHECK(outcome({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}) ==
          -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with(":path", "/again")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with(":status", "200")) == -NGHTTP2_PROTOCOL_ERROR);
    Fields late = get_with("accept", "*/*");
    late.emplace_back(":protocol", "websocket");
    CHECK(outcome(late) == -NGHTTP2_PROTOCOL_ERROR);
  }

  TEST_CASE("a head that broke in the middle leaves nothing to the next one") {
    Server server;
    greet(server);
    Fields broken = get_with("x-secret", "of the first");
    broken.emplace_back(":path", "/again");
    server.feed(headers(1, broken, NGHTTP2_FLAG_END_STREAM));
    server.feed(headers(3, get("/", "POST")));
    server.feed(headers(5, broken, NGHTTP2_FLAG_END_STREAM));
    server.feed(data(3, "body", NGHTTP2_FLAG_END_STREAM));
    REQUIRE(server.service.talks.size() == 1);
    CHECK(server.service.last().request.headers.empty());
    CHECK(server.service.last().received == "body");
    CHECK(only(NGHTTP2_RST_STREAM, parse(server.fill_all())).size() == 2);
  }

  TEST_CASE("fields that speak of the connection, or are not fields, are refused") {
    CHECK(outcome(get_with("connection", "close")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("transfer-encoding", "chunked")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("te", "gzip")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("X-Upper", "1")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("content-length", "1, 1")) == -NGHTTP2_PROTOCOL_ERROR);
    CHECK(outcome(get_with("x-break", "a\r\nb")) == 400);
    CHECK(outcome(get_with("x-nul", std::string("a\0b", 3))) == 400);
    CHECK(outcome(get_with("x-blank", " a")) == 400);
    CHECK(outcome(get_with("x blank", "a")) == 400);
    CHECK(outcome(get_with("te", "trailers")) == 200);
    CHECK(outcome(get_with("x_under", "a")) == 200);
    CHECK(outcome(get_with("last-event-id", "caf\xc3\xa9")) == 200);
  }

  TEST_CASE("crumbs of cookies are joined, trailers are dropped") {
    Server server;
    greet(server);
    Fields fields = get("/", "POST");
    fields.emplace_back("cookie", "a=1");
    fields.emplace_back("accept", "text/event-stream");
    fields.emplace_back("cookie", "b=2");
    server.feed(headers(1, fields));
    server.feed(data(1, "body"));
    server.feed(headers(1, {{"x-trailer", "1"}}, NGHTTP2_FLAG_END_STREAM));
    const Talk& talk = server.service.last();
    REQUIRE(talk.request.headers.find("cookie") != nullptr);
    CHECK(*talk.request.headers.find("cookie") == "a=1; b=2");
    CHECK(talk.request.headers.size() == 2);
    CHECK(talk.received == "body");
    CHECK(talk.is_request_over);
  }

  TEST_CASE("too many fields get 431") {
    Fields fields = get();
    while (fields.size() < 100) fields.emplace_back("x" + std::to_string(fields.size()), "1");
    CHECK(outcome(fields) == 200);
    fields.emplace_back("one-more", "1");
    CHECK(outcome(fields) == 431);
  }

  TEST_CASE("too many bytes of fields get 431, and the next request is served") {
    CHECK(outcome(get_with("x-large", std::string(15'000, 'x')), {.header_list_bytes = 16_KiB}) ==
          200);
    CHECK(outcome(get_with("x-large", std::string(16'200, 'x')), {.header_list_bytes = 16_KiB}) ==
          431);
    Pair pair;
    const auto id = pair.client.ask(get_with("x-large", std::string(40'000, 'x')));
    pair.settle();
    CHECK(pair.reply(id).status == 431);
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.server.service.talks.empty());
    CHECK(pair.server.counters.refused_heads.value() == 1);
    const auto next = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(next).status == 200);
  }

  TEST_CASE("who is refused is told why") {
    struct Row {
      Fields fields;
      std::string text;
    };
    const std::vector<Row> table{
        {get("/a#b"), "malformed path\n"},
        {get_but(":authority", "user@a.example"), "malformed :authority, or host is another one\n"},
        {get_but(":scheme", "ftp"), "the scheme is neither https nor http\n"},
        {get("/", std::string(33, 'M')), "malformed method\n"},
        {get_with("x-nul", std::string("a\0b", 3)), "malformed header field\n"},
        {get_with("x-large", std::string(40'000, 'x')),
         "the header fields are too large, or too many\n"},
        {get("/a#b", "HEAD"), ""},
    };
    for (const Row& row : table) {
      CAPTURE(row.text);
      Pair pair;
      const auto id = pair.client.ask(row.fields);
      pair.settle();
      const auto& reply = pair.reply(id);
      CHECK(reply.status >= 400);
      CHECK(reply.body == row.text);
      CHECK(reply.headers.at("content-type") == "text/plain; charset=utf-8");
      CHECK(reply.is_closed);
      CHECK(reply.code == NGHTTP2_NO_ERROR);
    }
  }

  TEST_CASE("a refused request may still be sending its body") {
    Pair pair;
    for (int i = 0; i < 40; ++i) {
      const auto id = pair.client.ask(get("/a#b", "POST"), std::string(60'000, 'x'));
      pair.settle();
      CHECK(pair.reply(id).status == 400);
      CHECK(pair.reply(id).is_closed);
    }
    CHECK_FALSE(pair.server.session.is_finished());
  }
}

}  // namespace
}  // namespace sluice::h2
