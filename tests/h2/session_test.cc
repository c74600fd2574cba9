#include "gateway/h2/session.h"

#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/h2/client.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

TEST_SUITE("h2::Session") {
  TEST_CASE("a request gets the service's answer") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 200, .headers = {{"content-type", "text/plain"}}},
                             http::Kind::finite, 5);
      talk.pending = "hello";
      talk.ends = true;
    };
    const auto id = pair.client.ask(get("/news/sport?since=1&x"));
    pair.settle();
    CHECK(pair.reply(id).status == 200);
    CHECK(pair.reply(id).headers["content-length"] == "5");
    CHECK(pair.reply(id).body == "hello");
    CHECK(pair.reply(id).is_closed);
    const http::Request& request = pair.server.service.last().request;
    CHECK(request.method == "GET");
    CHECK(request.scheme == "https");
    CHECK(request.authority == "a.example");
    CHECK(request.path == "/news/sport");
    CHECK(request.query == "since=1&x");
    CHECK_FALSE(request.has_body);
    CHECK(pair.server.service.last().is_request_over);
    CHECK(pair.server.service.last().is_gone);
  }

  TEST_CASE("an answer may come later than its request") {
    Pair pair;
    pair.server.service.on_open = [](Talk&) {};
    const auto id = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(id).status == 0);
    pair.server.service.last().ok();
    pair.settle();
    CHECK(pair.reply(id).status == 200);
  }

  TEST_CASE("the head of an event stream leaves in the same flush as its first bytes") {
    Server server;
    greet(server);
    server.service.on_open = [](Talk& talk) {
      talk.ok();
      talk.pending = ":\nretry: 3000\n";
    };
    server.feed(headers(1, get(), NGHTTP2_FLAG_END_STREAM));
    const auto frames = parse(server.fill());
    REQUIRE(only(NGHTTP2_HEADERS, frames).size() == 1);
    REQUIRE(only(NGHTTP2_DATA, frames).size() == 1);
    CHECK(only(NGHTTP2_DATA, frames).front().payload == ":\nretry: 3000\n");
  }

  TEST_CASE("an answer that does not know whether it has said all is asked until it says nothing") {
    for (const bool tells_all : {true, false}) {
      Pair pair;
      const auto id = pair.client.ask(get());
      pair.settle();
      Talk& talk = pair.server.service.last();
      talk.tells_all = tells_all;
      for (int i = 0; i < 3; ++i) {
        talk.say("data: x\n\n");
        pair.settle();
      }
      // What is longer than a frame is a burst of several.
      talk.say(std::string(10'000, 'y'));
      pair.settle();
      talk.finish();
      pair.settle();
      CHECK(pair.reply(id).body == "data: x\n\ndata: x\n\ndata: x\n\n" + std::string(10'000, 'y'));
      CHECK(pair.reply(id).is_closed);
      CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
    }
  }

  TEST_CASE("a stream that is reset after it was woken leaves the others woken, in their order") {
    for (std::size_t gone = 0; gone < 4; ++gone) {
      Server server;
      greet(server);
      for (std::int32_t id = 1; id <= 9; id += 2) {
        server.feed(headers(id, get(), NGHTTP2_FLAG_END_STREAM));
        server.service.last().say("0");
        server.fill_all();
      }
      for (std::size_t i = 0; i < 4; ++i) server.service.talks[i]->say(std::to_string(i + 1));
      server.feed(rst(static_cast<std::int32_t>(2 * gone + 1)));
      server.service.talks[4]->say("5");
      std::string said;
      for (const Frame& frame : only(NGHTTP2_DATA, parse(server.fill_all()))) said += frame.payload;
      std::string expected = "12345";
      expected.erase(gone, 1);
      CHECK(said == expected);
    }
  }

  TEST_CASE("what is said before the last burst was framed joins it") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    Talk& talk = pair.server.service.last();
    talk.say("a");
    talk.say("b");
    const auto frames = only(NGHTTP2_DATA, parse(pair.server.fill()));
    REQUIRE(frames.size() == 1);
    CHECK(frames.front().payload == "ab");
    CHECK(frames.front().flags == 0);
    CHECK(frames.front().stream == id);
  }

  TEST_CASE("a stream that has nothing to say sleeps until it is woken") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    Talk& talk = pair.server.service.last();
    for (const std::string_view event : {"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"}) {
      const int asked = pair.server.transport.asked;
      talk.say(event);
      CHECK(pair.server.transport.asked > asked);
      pair.settle();
    }
    CHECK(pair.reply(id).body == "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    CHECK_FALSE(pair.reply(id).is_closed);
    talk.finish();
    pair.settle();
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
  }

  TEST_CASE("waking a stream that is awake asks for nothing") {
    Pair pair;
    pair.client.ask(get());
    pair.settle();
    pair.server.service.last().say("data: 1\n\n");
    const int asked = pair.server.transport.asked;
    pair.server.service.last().say("data: 2\n\n");
    CHECK(pair.server.transport.asked == asked);
    pair.settle();
    CHECK(pair.reply(1).body == "data: 1\n\ndata: 2\n\n");
  }

  TEST_CASE("many streams share a connection, and each gets its own bytes") {
    Pair pair;
    std::set<std::int32_t> ids;
    for (int i = 0; i < 250; ++i) ids.insert(pair.client.ask(get("/" + std::to_string(i))));
    pair.settle();
    REQUIRE(pair.server.service.talks.size() == 250);
    for (const auto& talk : pair.server.service.talks) talk->say("data: " + talk->request.path);
    pair.settle();
    for (const std::int32_t id : ids) {
      CHECK(pair.reply(id).body == "data: /" + std::to_string((id - 1) / 2));
    }
  }

  TEST_CASE("a connection knows how many exchanges and event streams it carries") {
    Pair pair;
    const auto first = pair.client.ask(get());
    pair.client.ask(get());
    pair.settle();
    const http::Connection& connection = pair.server.service.last().exchange->connection();
    CHECK(connection.protocol == "h2");
    CHECK(connection.open_exchanges == 2);
    CHECK(connection.event_streams == 2);
    pair.client.reset(first);
    pair.settle();
    CHECK(connection.open_exchanges == 1);
    CHECK(connection.event_streams == 1);
  }

  TEST_CASE("a client that leaves a stream ends its answer at once") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    CHECK_FALSE(pair.server.service.last().is_gone);
    pair.client.reset(id);
    pair.server.feed(pair.client.take());
    CHECK(pair.server.service.last().is_gone);
    CHECK(pair.server.counters.peer_resets.value() == 1);
  }

  TEST_CASE("an answer to HEAD has a head only") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 200, .headers = {}}, http::Kind::finite, 1234);
      talk.pending = "never sent";
    };
    const auto id = pair.client.ask(get("/", "HEAD"));
    pair.settle();
    CHECK(pair.reply(id).headers["content-length"] == "1234");
    CHECK(pair.reply(id).body.empty());
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.server.service.last().is_gone);
  }

  TEST_CASE("an answer without a body ends with its head") {
    Server server;
    greet(server);
    server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 204, .headers = {}}, http::Kind::finite, 0);
    };
    server.feed(headers(1, get(), NGHTTP2_FLAG_END_STREAM));
    const auto frames = parse(server.fill());
    REQUIRE(only(NGHTTP2_HEADERS, frames).size() == 1);
    CHECK((only(NGHTTP2_HEADERS, frames).front().flags & NGHTTP2_FLAG_END_STREAM) != 0);
    CHECK(only(NGHTTP2_DATA, frames).empty());
  }

  TEST_CASE("a 205 has neither the body nor the length that an application gives it") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 205, .headers = {}}, http::Kind::finite, 3);
      talk.pending = "bad";
    };
    const auto id = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(id).headers.count("content-length") == 0);
    CHECK(pair.reply(id).body.empty());
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
  }

  TEST_CASE("an answer can abort its exchange, even while it is being opened") {
    Pair pair;
    const auto late = pair.client.ask(get());
    pair.settle();
    pair.server.service.last().exchange->abort();
    pair.settle();
    CHECK(pair.reply(late).is_closed);
    CHECK(pair.reply(late).code == NGHTTP2_CANCEL);
    CHECK(pair.server.service.last().is_gone);

    pair.server.service.on_open = [](Talk& talk) { talk.exchange->abort(); };
    const auto early = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(early).code == NGHTTP2_CANCEL);
    CHECK(pair.server.service.last().is_gone);
    CHECK(pair.server.counters.provoked_resets.value() == 0);
  }

  TEST_CASE("finite answers go before event streams") {
    Server server;
    greet(server);
    server.service.on_open = [](Talk& talk) {
      talk.ok(talk.request.path == "/page" ? http::Kind::finite : http::Kind::event_stream);
      talk.has_endless = true;
    };
    server.feed(headers(1, get("/events"), NGHTTP2_FLAG_END_STREAM));
    server.feed(headers(3, get("/page"), NGHTTP2_FLAG_END_STREAM));
    const auto frames = only(NGHTTP2_DATA, parse(server.fill()));
    REQUIRE_FALSE(frames.empty());
    for (const Frame& frame : frames) CHECK(frame.stream == 3);
  }

  TEST_CASE("a drain lets exchanges end in two stages") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    pair.server.session.drain_notice();
    pair.settle();
    REQUIRE(pair.client.goaways.size() == 1);
    CHECK(pair.client.goaways.front() == 0x7fffffff);
    pair.server.service.last().say("data: still here\n\n");
    pair.settle();
    CHECK(pair.reply(id).body == "data: still here\n\n");

    pair.server.session.drain_finish();
    pair.settle();
    REQUIRE(pair.client.goaways.size() == 2);
    CHECK(pair.client.goaways.back() == id);
    CHECK_FALSE(pair.server.session.is_finished());
    pair.server.service.last().finish();
    pair.settle();
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.server.session.is_finished());
  }

  TEST_CASE("between the two stages of a drain a request that was on its way is served") {
    Server server;
    greet(server);
    server.session.drain_notice();
    server.fill_all();
    server.feed(headers(1, get(), NGHTTP2_FLAG_END_STREAM));
    CHECK(server.service.talks.size() == 1);
    server.session.drain_finish();
    server.fill_all();
    server.feed(headers(3, get(), NGHTTP2_FLAG_END_STREAM));
    CHECK(server.service.talks.size() == 1);
  }

  TEST_CASE("a connection without exchanges is finished by the final GOAWAY") {
    Pair pair;
    pair.server.session.drain_notice();
    pair.server.session.drain_finish();
    pair.settle();
    CHECK(pair.server.session.is_finished());
  }

  TEST_CASE("the end of the connection ends every answer") {
    Pair pair;
    pair.client.ask(get());
    pair.client.ask(get());
    pair.settle();
    pair.server.session.on_eof();
    CHECK(pair.server.session.is_finished());
    for (const auto& talk : pair.server.service.talks) CHECK(talk->is_gone);
  }

  TEST_CASE("answers outlive no session, and exchanges outlive their answers") {
    TalkPtr talk;
    {
      Pair pair;
      pair.client.ask(get());
      pair.settle();
      talk = pair.server.service.talks.back();
      CHECK_FALSE(talk->is_gone);
    }
    CHECK(talk->is_gone);
  }

  TEST_CASE("a proxy's table of past fields is not made smaller, which it might not notice") {
    for (const auto table : {Session::HeaderTable::standard, Session::HeaderTable::none}) {
      const bool is_proxy = table == Session::HeaderTable::standard;
      Server server({}, table);
      greet(server);
      const std::string unaware = header_block(get()).substr(1);  // It says nothing of a new size.
      server.feed(to_wire({.type = NGHTTP2_HEADERS,
                           .flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
                           .stream = 1,
                           .payload = unaware}));
      CHECK(server.service.talks.size() == (is_proxy ? 1 : 0));
      CHECK(goaway_code(server.fill_all()).has_value() == !is_proxy);
    }
  }

  TEST_CASE("bytes that are not HTTP/2 end the connection with a GOAWAY") {
    Server server;
    server.feed("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n");
    CHECK(goaway_code(server.fill_all()) == NGHTTP2_PROTOCOL_ERROR);
    CHECK(server.session.is_finished());
  }

  TEST_CASE("byte by byte is the same as all at once") {
    Server server;
    const std::string all = preface() + settings_ack() +
                            headers(1, get("/a"), NGHTTP2_FLAG_END_STREAM) + headers(3, get("/b")) +
                            data(3, "body", NGHTTP2_FLAG_END_STREAM);
    for (const char byte : all) server.feed({&byte, 1});
    REQUIRE(server.service.talks.size() == 2);
    CHECK(server.service.talks[0]->request.path == "/a");
    CHECK(server.service.talks[1]->received == "body");
    CHECK(server.service.talks[1]->is_request_over);
  }
}

}  // namespace
}  // namespace sluice::h2
