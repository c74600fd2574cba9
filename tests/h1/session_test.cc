#include "gateway/h1/session.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/h1/client.h"

namespace sluice::h1 {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

TEST_SUITE("HTTP/1.1 session") {
  TEST_CASE("a request gets its answer, and the connection stays for the next one") {
    Client client;
    CHECK(client.say(get("/hello")) == ok("hello"));
    CHECK(client.say(get("/hello")) == ok("hello"));
    CHECK_FALSE(client.session->is_finished());
    CHECK(client.counters.requests.value() == 2);
  }

  TEST_CASE("the service sees the request without what concerns the connection alone") {
    Client client;
    client.say(
        "GET /a%20b?x=1&y HTTP/1.1\r\nHost: Example.com:8443\r\nAccept:  text/event-stream \t\r\n"
        "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nUpgrade: h2c\r\n"
        "Last-Event-ID: \xC3\xA9\r\nX-Empty:\r\n\r\n");
    REQUIRE(client.requests.size() == 1);
    const auto& request = client.requests.front();
    CHECK(request.method == "GET");
    CHECK(request.scheme == "http");
    CHECK(request.authority == "Example.com:8443");
    CHECK(request.path == "/a%20b");
    CHECK(request.query == "x=1&y");
    CHECK_FALSE(request.has_body);
    CHECK(request.headers.size() == 3);
    CHECK(*request.headers.find("accept") == "text/event-stream");
    CHECK(*request.headers.find("last-event-id") == "\xC3\xA9");
    CHECK(request.headers.find("x-empty")->empty());
  }

  TEST_CASE("every answer has a date") {
    Client client;
    const auto request = get("/hello");
    client.session->feed(std::as_bytes(std::span(request)));
    OutBuffer out;
    client.session->fill(out);
    const std::string_view heard(reinterpret_cast<const char*>(out.bytes().data()), out.size());
    CHECK(heard.find("\r\ndate: Fri, 20 Dec 2019 00:00:00 GMT\r\n") != std::string::npos);
  }

  TEST_CASE("a body reaches the service, with a length or in chunks") {
    Client client;
    CHECK(client.say(post("/echo", "some data")) == ok("some data"));
    CHECK(client.say("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
                     "5\r\nsome \r\n004;ext=\"1\"\r\ndata\r\n0\r\nx-trailer: y\r\n\r\n") ==
          ok("some data"));
    CHECK(client.say(post("/echo", "")) == ok(""));
    CHECK_FALSE(client.session->is_finished());
  }

  TEST_CASE("requests sent together are answered in order") {
    Client client;
    CHECK(client.say(get("/hello") + post("/echo", "one") + get("/empty") + post("/echo", "two")) ==
          ok("hello") + ok("one") + "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n" +
              ok("two"));
  }

  TEST_CASE("requests cut into bytes are answered as if they came in one piece") {
    const std::string requests =
        "\r\n" + get("/hello") + post("/echo", "0123456789") +
        "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        "a;b=c\r\n0123456789\r\n1\r\n!\r\n0\r\nt: u\r\n\r\n" +
        get("/nothing") + "GET /hello HTTP/1.0\r\n\r\n";
    Client whole;
    Client cut;
    CHECK(cut.spell(requests) == whole.say(requests));
    CHECK(whole.requests.size() == 5);
    CHECK(cut.requests.size() == 5);
    CHECK(whole.session->is_finished());
    CHECK(cut.session->is_finished());
  }

  TEST_CASE("a client that closes its side before the answer still gets it") {
    Client client;
    client.say(get("/slow"));
    client.leave();
    REQUIRE(client.stage.alive == 1);
    client.stage.exchange->respond({}, http::Kind::finite, 4);
    client.stage.ready = "done";
    client.stage.is_last = true;
    client.stage.exchange->wake();
    CHECK(client.hear().find("done") != std::string::npos);
  }

  TEST_CASE("a client that closes its side has left, when the answer costs somebody work") {
    Client client;
    client.stage.ends_with_client = true;
    client.say(get("/slow"));
    client.leave();
    CHECK(client.stage.alive == 0);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("and so has who closes it behind the head, however the answer goes on") {
    for (const auto kind : {http::Kind::finite, http::Kind::bulk}) {
      Client client;
      client.stage.ends_with_client = true;
      client.say(get("/slow"));
      client.stage.exchange->respond({}, kind);
      client.hear();
      client.leave();
      CHECK(client.stage.alive == 0);
      CHECK(client.session->is_finished());
    }
  }

  TEST_CASE("a later request waits while an earlier one is not answered") {
    Client client;
    CHECK(client.say(get("/slow") + get("/hello")).empty());
    CHECK(client.requests.size() == 1);
    client.stage.exchange->respond({}, http::Kind::finite, 4);
    client.stage.ready = "slow";
    CHECK(client.hear() == ok("slow") + ok("hello"));
    CHECK(client.stage.alive == 0);
  }

  TEST_CASE("what waits behind a request is bounded: then the socket is not read") {
    Client client;
    client.say(get("/slow"));
    CHECK(client.session->wants_read());
    while (client.session->wants_read())
      client.say(get("/empty", "x: " + std::string(1000, 'x') + "\r\n"));
    client.stage.exchange->respond({}, http::Kind::finite, 0);
    client.hear();
    CHECK(client.session->wants_read());
    CHECK(client.requests.size() == 17);
  }

  TEST_CASE("HEAD has the head of the answer and no body") {
    Client client;
    const std::string head = "HEAD /hello HTTP/1.1\r\nhost: a\r\n\r\n";
    CHECK(client.say(head) ==
          "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\n");
    CHECK(client.say(get("/hello")) == ok("hello"));
  }

  TEST_CASE("HEAD of an event stream ends with its head") {
    Client client;
    CHECK(client.say("HEAD /stream HTTP/1.1\r\nhost: a\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: keep-alive\r\n\r\n");
    CHECK(client.stage.alive == 0);
    CHECK(client.stage.ready_calls == 0);
    CHECK(client.say(get("/hello")) == ok("hello"));
  }

  TEST_CASE("a client that wants the connection closed gets it closed") {
    Client client;
    CHECK(client.say(get("/hello", "Connection: Close\r\n")) ==
          "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    CHECK(client.session->is_finished());
  }

  TEST_CASE("HTTP/1.0 closes, unless it asks not to; it needs no host") {
    Client client;
    CHECK(client.say("GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n") == ok("hello"));
    CHECK_FALSE(client.session->is_finished());
    CHECK(client.say("GET /hello HTTP/1.0\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a request target may be absolute; then it names the host") {
    Client client;
    client.say("GET http://A:80?q HTTP/1.1\r\nhost: a:80\r\n\r\n");
    client.say("GET https://b/c/d?e HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
    REQUIRE(client.requests.size() == 2);
    CHECK(client.requests[0].authority == "a:80");
    CHECK(client.requests[0].path == "/");
    CHECK(client.requests[0].query == "q");
    CHECK(client.requests[1].authority == "b");
    CHECK(client.requests[1].path == "/c/d");
  }

  TEST_CASE("an answer of unknown length goes in chunks, or until the end of the connection") {
    Client client;
    client.stage.ready = "page";
    client.stage.is_last = true;
    CHECK(client.say(get("/page")) ==
          "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n"
          "4\r\npage\r\n0\r\n\r\n");
    client.stage.ready = "page";
    CHECK(client.say("GET /page HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\npage");
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a large answer is pulled one record at a time") {
    Client client;
    client.stage.ready = std::string(100000, 'x');
    client.say(get("/slow"));
    client.stage.exchange->respond({}, http::Kind::finite, 100000);
    OutBuffer out;
    CHECK(client.session->fill(out));
    CHECK(out.size() == OutBuffer::kTarget);
    CHECK(client.stage.ready.size() > 80000);
    CHECK(client.hear().size() + OutBuffer::kTarget > 100000);
    CHECK(client.stage.ready.empty());
    CHECK(client.stage.alive == 0);
  }

  TEST_CASE("an answer shorter than it said is cut by closing the connection") {
    Client client;
    client.say(get("/slow"));
    client.stage.exchange->respond({}, http::Kind::finite, 10);
    client.stage.ready = "short";
    client.stage.is_last = true;
    client.hear();
    CHECK(client.session->is_finished());
  }

  TEST_CASE("fields of an answer that would break its framing are left out") {
    Client client;
    client.say(get("/slow"));
    client.stage.exchange->respond({.headers = {{"content-length", "7"},
                                                {"connection", "upgrade"},
                                                {"x-split", "a\r\nset-cookie: b"},
                                                {"x-good", "1"}}},
                                   http::Kind::finite, 0);
    CHECK(client.hear() ==
          "HTTP/1.1 200 OK\r\nx-good: 1\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  }
}

TEST_SUITE("a request's body") {
  TEST_CASE("a client that asks is told to go on before its body is read") {
    Client client;
    const std::string head =
        "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    CHECK(client.say(head) == kContinue);
    CHECK(client.say("hi") == ok("hi"));
  }

  TEST_CASE("a client that asks and is refused at once is not told to go on") {
    Client client;
    const std::string heard = client.say(
        "POST /nothing HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
    CHECK(begins(heard, "HTTP/1.1 404 Not Found\r\n"));
    CHECK(heard.find("connection: close\r\n") != std::string::npos);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("nobody is told to go on who has no body or speaks HTTP/1.0") {
    Client client;
    CHECK(client.say(get("/hello", "expect: 100-continue\r\n")) == ok("hello"));
    CHECK(client.say("POST /echo HTTP/1.0\r\nconnection: keep-alive\r\nexpect: 100-continue\r\n"
                     "content-length: 2\r\n\r\nhi") == ok("hi"));
  }

  TEST_CASE("while the service does not take it, the socket is not read") {
    Client client;
    client.stage.consumes = false;
    client.say("POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n");
    const std::string piece(16_KiB, 'x');
    for (int i = 0; i < 4; ++i) client.say(piece);
    CHECK(client.session->wants_read());
    client.say(piece);
    CHECK_FALSE(client.session->wants_read());
    client.flushes = 0;
    client.stage.exchange->consume(16_KiB);
    CHECK(client.session->wants_read());
    CHECK(client.flushes == 1);
  }

  TEST_CASE("what is left of it after the answer is read and forgotten") {
    Client client;
    const std::string heard =
        client.say("POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n1234");
    CHECK(begins(heard, "HTTP/1.1 404 Not Found\r\n"));
    CHECK(client.say("56789" + get("/hello")) == ok("hello"));
  }

  TEST_CASE("but only so much of it: then the connection is closed") {
    Client client;
    client.say("POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n");
    std::size_t sent = 0;
    for (; !client.session->is_finished() && sent < 1_MiB; sent += 10000) {
      client.say(std::string(10000, 'x'));
    }
    CHECK(sent > 256_KiB);
    CHECK(sent < 270_KiB);
  }

  TEST_CASE("it can go on beside its answer: a publisher is acknowledged while it sends") {
    Client client;
    client.say("POST /page HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    client.stage.ready = "ack 1\n";
    CHECK(client.say("3\r\none\r\n") == "6\r\nack 1\n\r\n");
    client.say("0\r\n\r\n");
    CHECK(client.stage.received == "one");
    CHECK(client.stage.body_ended);
    client.stage.is_last = true;
    CHECK(client.hear() == "0\r\n\r\n");
    CHECK_FALSE(client.session->is_finished());
  }

  TEST_CASE("a request that ends in its middle never reaches the service as complete") {
    Client client;
    client.say("POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345");
    client.leave();
    CHECK(client.stage.alive == 0);
    CHECK_FALSE(client.stage.body_ended);
    CHECK(client.session->is_finished());
    CHECK(client.counters.aborted.value() == 1);
  }
}

}  // namespace
}  // namespace sluice::h1
