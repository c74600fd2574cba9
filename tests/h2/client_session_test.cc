#include <string>

#include <doctest/doctest.h>

#include "tests/h2/upstream.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.
using http::CallError;
constexpr int kEnd = NGHTTP2_FLAG_END_STREAM;

TEST_SUITE("h2 client requests") {
  TEST_CASE("a request reaches the server as it was made, and its answer comes back") {
    Link link;
    http::Outgoing request = outgoing("/events");
    request.head.query = "topic=a";
    request.head.headers = {{"accept", "text/event-stream"}, {"authorization", "Bearer x"}};
    Asker& asker = link.client.ask(request);
    link.settle();

    const Talk& talk = link.talk(0);
    CHECK(talk.request.method == "GET");
    CHECK(talk.request.scheme == "https");
    CHECK(talk.request.authority == "a.example");
    CHECK(talk.request.path == "/events");
    CHECK(talk.request.query == "topic=a");
    CHECK(*talk.request.headers.find("accept") == "text/event-stream");
    CHECK(*talk.request.headers.find("authorization") == "Bearer x");
    CHECK_FALSE(talk.request.has_body);
    CHECK_FALSE(talk.request.headers.has("content-length"));

    REQUIRE(asker.head);
    CHECK(asker.head->status == 200);
    CHECK(*asker.head->headers.find("content-type") == "text/event-stream");
    CHECK_FALSE(asker.is_over());

    link.talk(0).say("data: 1\n\n");
    link.settle();
    CHECK(asker.body == "data: 1\n\n");
    link.talk(0).say("data: 2\n\n");
    link.talk(0).finish();
    link.settle();
    CHECK(asker.body == "data: 1\n\ndata: 2\n\n");
    CHECK(asker.is_ended);
    CHECK(link.client.session->open_calls() == 0);
    CHECK(link.client.counters.answers.value() == 1);
  }

  TEST_CASE("no field is kept for the next call, and nobody behind us may keep a secret") {
    Agent client;
    client.greet();
    const auto block = [&](const std::string& name) {
      http::Outgoing request = outgoing();
      request.head.headers = {{name, "a-secret-of-some-length"}};
      client.ask(request);
      return only(NGHTTP2_HEADERS, client.frames()).at(0).payload;
    };
    block("x-other");  // The first one says that the table has no room.
    CHECK(block("x-other").size() == block("x-other").size());
    CHECK(block("x-other").size() > 20);
    // RFC 7541 §6.2.3: a literal that is never indexed, with the static table's name.
    const std::pair<std::string, std::string> secrets[] = {
        {"authorization", "\x1f\x08"}, {"cookie", "\x1f\x11"}, {"proxy-authorization", "\x1f\x22"}};
    for (const auto& secret : secrets) {
      CAPTURE(secret.first);
      CHECK(block(secret.first).find(secret.second) != std::string::npos);
    }
  }

  TEST_CASE("the body of a request is pulled out of its caller, to its end") {
    Link link;
    Asker& asker = link.client.post();
    asker.upload("one,");
    link.settle();
    CHECK(link.talk(0).request.has_body);
    CHECK_FALSE(link.talk(0).request.headers.has("content-length"));
    CHECK(link.talk(0).received == "one,");
    CHECK_FALSE(link.talk(0).is_request_over);
    asker.upload("two", true);
    link.settle();
    CHECK(link.talk(0).received == "one,two");
    CHECK(link.talk(0).is_request_over);
  }

  TEST_CASE("a length that is known is told") {
    Link link;
    Asker& asker = link.client.post(true, 3);
    asker.upload("abc", true);
    link.client.post(true, 0);
    link.settle();
    CHECK(*link.talk(0).request.headers.find("content-length") == "3");
    CHECK(link.talk(0).is_request_over);
    CHECK_FALSE(link.talk(1).request.has_body);  // Its head said all.
    CHECK(*link.talk(1).request.headers.find("content-length") == "0");
  }

  TEST_CASE("a body may end without a last byte") {
    Link link;
    Asker& asker = link.client.post();
    asker.upload("abc");
    link.settle();
    asker.upload("", true);
    link.settle();
    CHECK(link.talk(0).received == "abc");
    CHECK(link.talk(0).is_request_over);
  }

  TEST_CASE("a caller that wakes itself while it is asked is asked again") {
    Link link;
    Asker& asker = link.client.post();
    int asked = 0;
    asker.in_ready = [&] {
      if (++asked == 2) asker.pending = "late";
      asker.call->wake();
    };
    link.settle();
    CHECK(link.talk(0).received == "late");
  }

  TEST_CASE("an answer that is complete before its request ends both") {
    Link link;
    link.server.service.on_open = [](Talk& talk) {
      talk.ok(http::Kind::finite);
      talk.finish();
    };
    Asker& asker = link.client.post();
    link.settle();
    CHECK(asker.is_ended);
    CHECK(link.server.counters.peer_resets.value() == 1);
    CHECK(link.client.session->can_call());

    Agent client;  // What the server gets to see: no error.
    client.greet();
    client.post();
    client.fill_all();
    client.feed(answer(1, {}, kEnd));
    const auto resets = only(NGHTTP2_RST_STREAM, client.frames());
    REQUIRE(resets.size() == 1);
    CHECK(resets[0].number(0) == NGHTTP2_NO_ERROR);
  }
}

TEST_SUITE("h2 client answers") {
  TEST_CASE("content-length is told apart from the headers") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    Asker& head = client.ask(outgoing("/", "HEAD"));
    Asker& unchanged = client.ask();
    client.fill_all();
    client.feed(answer(1, {{"content-length", "3"}, {"x-a", "b"}}) + data(1, "abc", kEnd));
    client.feed(answer(3, {{"content-length", "1000"}}, kEnd));
    client.feed(answer(5, {{"content-length", "1000"}}, kEnd, "304"));
    CHECK(asker.content_length == 3);
    CHECK(asker.head->headers.size() == 1);
    CHECK(asker.is_ended);
    CHECK(head.content_length == 1000);
    CHECK(head.is_ended);
    CHECK(unchanged.head->status == 304);
    CHECK(unchanged.is_ended);
  }

  TEST_CASE("heads of 1xx and trailers are dropped") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1, {}, 0, "100") + answer(1, {{"link", "x"}}, 0, "103"));
    CHECK_FALSE(asker.head);
    client.feed(answer(1) + data(1, "a"));
    client.feed(headers(1, {{"x-sum", "1"}}, kEnd));
    CHECK(asker.head->headers.empty());
    CHECK(asker.body == "a");
    CHECK(asker.is_ended);
  }

  TEST_CASE("padding is neither given nor owed") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1));
    const std::string padded = std::string(1, '\x40') + "a" + std::string(64, '\0');
    for (int i = 0; i < 3'000; ++i) {  // Three windows of padding.
      client.feed(data(1, padded, NGHTTP2_FLAG_PADDED));
      client.fill_all();
    }
    CHECK(asker.body == std::string(3'000, 'a'));
    CHECK_FALSE(asker.failure);
  }

  TEST_CASE("an answer that breaks the rules of HTTP fails its call alone") {
    struct Row {
      std::string what;
      std::string wire;
      const char* method = "GET";
    };
    const std::string many_bytes(40'000, 'x');
    const std::vector<Row> rows{
        {"no status", headers(1, {{"a", "b"}})},
        {"two of them", headers(1, {{":status", "200"}, {":status", "200"}})},
        {"one behind a field", headers(1, {{"a", "b"}, {":status", "200"}})},
        {"of two digits", answer(1, {}, 0, "20")},
        {"of no digits", answer(1, {}, 0, "abc")},
        {"below 100", answer(1, {}, 0, "042")},
        {"above 599", answer(1, {}, 0, "600")},
        {"101", answer(1, {}, 0, "101")},
        {"a pseudo-field of requests", headers(1, {{":status", "200"}, {":path", "/"}})},
        {"connection", answer(1, {{"connection", "close"}})},
        {"transfer-encoding", answer(1, {{"transfer-encoding", "chunked"}})},
        {"keep-alive", answer(1, {{"keep-alive", "1"}})},
        {"upgrade", answer(1, {{"upgrade", "x"}})},
        {"an upper-case name", answer(1, {{"X-A", "b"}})},
        {"a name with a blank", answer(1, {{"x a", "b"}})},
        {"a value of two lines", answer(1, {{"a", "b\r\nc: d"}})},
        {"a value with NUL", answer(1, {{"a", std::string("b\0c", 3)}})},
        {"a value with blanks around", answer(1, {{"a", " b"}})},
        {"a length of two values", answer(1, {{"content-length", "1"}, {"content-length", "2"}})},
        {"a length that is none", answer(1, {{"content-length", "+1"}})},
        {"less than its length", answer(1, {{"content-length", "2"}}) + data(1, "a", kEnd)},
        {"more than its length", answer(1, {{"content-length", "2"}}) + data(1, "abc")},
        {"a length and no body", answer(1, {{"content-length", "2"}}, kEnd)},
        {"a body of HEAD", answer(1) + data(1, "abc"), "HEAD"},
        {"a body of 204", answer(1, {}, 0, "204") + data(1, "abc")},
        {"a body of 304", answer(1, {}, 0, "304") + data(1, "abc")},
        {"an end after 1xx", answer(1, {}, kEnd, "103")},
        {"a body after 1xx", answer(1, {}, 0, "103") + data(1, "abc")},
        {"a trailer in the middle", answer(1) + headers(1, {{"a", "b"}})},
        {"a trailer with a pseudo-field", answer(1) + headers(1, {{":status", "200"}}, kEnd)},
        {"a trailer that is not well-formed", answer(1) + headers(1, {{"a b", "c"}}, kEnd)},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      Agent client;
      client.greet();
      Asker& asker = client.ask(outgoing("/", row.method));
      Asker& other = client.ask();
      client.fill_all();
      client.feed(row.wire);
      const auto resets = only(NGHTTP2_RST_STREAM, client.frames());
      REQUIRE(resets.size() == 1);
      CHECK(resets[0].stream == 1);
      CHECK(resets[0].number(0) == NGHTTP2_PROTOCOL_ERROR);
      CHECK(asker.failed(CallError::malformed));
      CHECK_FALSE(asker.is_ended);

      client.feed(answer(3, {}, kEnd));
      CHECK(other.is_ended);
      CHECK(client.session->open_calls() == 0);
      CHECK(client.counters.malformed_answers.value() == 1);
    }
  }

  TEST_CASE("a server that speaks HTTP/1.1 is told of as that") {
    const std::string said = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    for (const std::size_t cut : {0U, 1U, 6U, 7U, 9U}) {
      Agent client;
      Asker& asker = client.ask();
      client.fill_all();
      client.feed(said.substr(0, cut));
      client.feed(said.substr(cut));
      REQUIRE(asker.failure);
      CHECK(asker.failure->what == "the server speaks HTTP/1, not HTTP/2 (see `protocol`)");
    }
  }

  TEST_CASE("a head may have so many bytes, so many fields, and so many before it") {
    const auto outcome = [](const std::string& wire) {
      Agent client({.header_bytes = 1'000, .header_fields = 10, .informational_heads = 2});
      client.greet();
      Asker& asker = client.ask();
      client.fill_all();
      client.feed(wire);
      CHECK(only(NGHTTP2_RST_STREAM, client.frames()).size() == (asker.failure ? 1 : 0));
      return asker.failure ? asker.failure->what : "";
    };
    const std::string too_large = "the head of the answer is too large";
    const std::size_t status = 32 + 7 + 3;
    CHECK(outcome(answer(1, {{"a", std::string(1'000 - status - 33, 'x')}})).empty());
    CHECK(outcome(answer(1, {{"a", std::string(1'000 - status - 32, 'x')}})) == too_large);
    CHECK(outcome(answer(1, Fields(9, {"a", "b"}))).empty());
    CHECK(outcome(answer(1, Fields(10, {"a", "b"}))) == too_large);
    const std::string early = answer(1, {}, 0, "103");
    CHECK(outcome(early + early + answer(1)).empty());
    CHECK(outcome(early + early + early) == "too many informational heads");
  }

  TEST_CASE("fields of the connection that are harmless are dropped") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1, {{"te", "trailers"}, {"http2-settings", "x"}, {"set-cookie", "a"}}));
    REQUIRE(asker.head);
    CHECK(asker.head->headers.size() == 1);
    CHECK(asker.head->headers.has("set-cookie"));
  }
}

}  // namespace
}  // namespace sluice::h2
