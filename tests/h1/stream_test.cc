#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/h1/client.h"

namespace sluice::h1 {
namespace {

const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    "connection: close\r\n\r\n";

/// A client whose stream has begun.
struct Reader : Client {
  explicit Reader(Options given = {}) : Client(given) { say(get("/stream")); }
  std::string gets(std::string_view events) {
    stage.ready += events;
    stage.exchange->wake();
    return hear();
  }
};

TEST_SUITE("an event stream over HTTP/1.1") {
  TEST_CASE("its head leaves at once, with what is ready in the same flush") {
    Client client;
    client.stage.ready = ":\nretry: 3000\n";
    CHECK(client.say(get("/stream")) == kStreamHead + "e\r\n:\nretry: 3000\n\r\n");
    CHECK(client.connection->event_streams == 1);
    CHECK(client.connection->open_exchanges == 1);
  }

  TEST_CASE("its head leaves alone when nothing is ready") {
    Client client;
    CHECK(client.say(get("/stream")) == kStreamHead);
    CHECK_FALSE(client.session->is_finished());
  }

  TEST_CASE("a wake asks for a flush, and everything that is ready makes one chunk") {
    Reader reader;
    reader.flushes = 0;
    CHECK(reader.gets("data: a\n\ndata: b\n\n") == "12\r\ndata: a\n\ndata: b\n\n\r\n");
    CHECK(reader.flushes == 1);
    CHECK(reader.hear().empty());
  }

  TEST_CASE("more than a record holds goes in several, and nothing is taken before there is room") {
    Reader reader;
    reader.stage.ready = std::string(40000, 'x');
    OutBuffer out;
    CHECK(reader.session->fill(out));
    CHECK(out.size() <= OutBuffer::kTarget);
    CHECK(out.size() > OutBuffer::kTarget - 32);
    CHECK(reader.stage.ready.size() == 40000 - (out.size() - 8));
    CHECK_FALSE(reader.hear().empty());
    CHECK(reader.stage.ready.empty());
  }

  TEST_CASE("a stream that ends takes its connection with it: a browser has only six of them") {
    Reader reader;
    reader.stage.is_last = true;
    CHECK(reader.gets("retry: 5000\n") == "c\r\nretry: 5000\n\r\n0\r\n\r\n");
    CHECK(reader.stage.alive == 0);
    CHECK(reader.connection->event_streams == 0);
    CHECK(reader.session->is_finished());
  }

  TEST_CASE("over HTTP/1.0 it is plain bytes up to the end of the connection") {
    Client client;
    client.stage.ready = ":\n";
    CHECK(client.say("GET /stream HTTP/1.0\r\nconnection: keep-alive\r\n\r\n") ==
          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n:\n");
    client.stage.ready = "data: a\n\n";
    client.stage.is_last = true;
    CHECK(client.hear() == "data: a\n\n");
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a client that leaves ends its stream at once") {
    Reader reader;
    reader.leave();
    CHECK(reader.stage.alive == 0);
    CHECK(reader.session->is_finished());
    CHECK(reader.connection->event_streams == 0);
    CHECK(reader.counters.open_exchanges.value() == 0);
  }

  TEST_CASE("a client that left before its stream began never gets one") {
    Client client;
    client.say(get("/slow"));
    client.leave();
    CHECK(client.stage.alive == 1);
    client.stage.exchange->respond({}, http::Kind::event_stream);
    CHECK(client.hear().empty());
    CHECK(client.stage.alive == 0);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a client that closed only its own side still gets its finite answers") {
    Client client;
    client.say(get("/slow") + get("/hello"));
    client.leave();
    CHECK_FALSE(client.session->is_finished());
    client.stage.exchange->respond({}, http::Kind::finite, 4);
    client.stage.ready = "slow";
    CHECK(client.hear() == ok("slow") + ok("hello"));
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a connection that closes takes the answer with it") {
    Reader reader;
    reader.session.reset();
    CHECK(reader.stage.alive == 0);
    CHECK(reader.counters.aborted.value() == 1);
  }

  TEST_CASE("an answer may abort, even from inside its own call, and is destroyed after it") {
    Reader reader;
    reader.stage.aborts_when_asked = true;
    CHECK(reader.gets("data: a\n\n").empty());
    CHECK(reader.stage.alive == 0);
    CHECK_FALSE(reader.stage.destroyed_inside);
    CHECK(reader.session->is_finished());
  }

  TEST_CASE("an answer that aborts between calls is destroyed at the next flush") {
    Reader reader;
    reader.flushes = 0;
    reader.stage.exchange->abort();
    CHECK(reader.stage.alive == 1);
    CHECK(reader.flushes == 1);
    CHECK(reader.hear().empty());
    CHECK(reader.stage.alive == 0);
  }

  TEST_CASE("what a client sends behind its stream is bounded") {
    Reader reader;
    while (reader.session->wants_read()) reader.say(std::string(1000, 'x'));
    reader.stage.is_last = true;
    reader.hear();
    CHECK(reader.session->wants_read());
  }
}

TEST_SUITE("a drain over HTTP/1.1") {
  TEST_CASE("after the notice the next answer closes the connection") {
    Client client;
    client.session->drain_notice();
    CHECK_FALSE(client.session->is_finished());
    CHECK(client.say(get("/hello")) ==
          "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    CHECK(client.session->is_finished());
  }

  TEST_CASE("an idle connection ends at the second stage") {
    Client client;
    client.say(get("/hello"));
    client.session->drain_finish();
    CHECK(client.session->is_finished());
  }

  TEST_CASE("an open stream goes on until it ends, and no request after it is taken") {
    Reader reader;
    reader.session->drain_notice();
    reader.session->drain_finish();
    reader.say(get("/hello"));
    CHECK_FALSE(reader.session->is_finished());
    reader.stage.is_last = true;
    CHECK(reader.gets("retry: 1\n") == "9\r\nretry: 1\n\r\n0\r\n\r\n");
    CHECK(reader.session->is_finished());
    CHECK(reader.requests.size() == 1);
  }
}

TEST_SUITE("an old HTTP/1.1 connection") {
  Options retiring() {
    return {.retirement = {.age = std::chrono::minutes(60), .window = {}}};
  }

  TEST_CASE("ends its stream in good order, and then itself") {
    Reader reader(retiring());
    reader.pass(std::chrono::minutes(53));
    CHECK(reader.hear().empty());
    reader.pass(std::chrono::minutes(14));
    CHECK(reader.hear() == "0\r\n\r\n");
    CHECK(reader.session->is_finished());
    CHECK(reader.counters.retired.value() == 1);
  }

  TEST_CASE("without a stream says with its next answer that it closes") {
    Options options = retiring();
    options.idle_timeout = std::chrono::hours(2);
    Client client(options);
    client.say(get("/hello"));
    client.pass(std::chrono::minutes(67));
    CHECK_FALSE(client.session->is_finished());
    CHECK(client.say(get("/hello")) ==
          "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    CHECK(client.session->is_finished());
  }
}

}  // namespace
}  // namespace sluice::h1
