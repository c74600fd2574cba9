#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "gateway/h2/limits.h"
#include "tests/h2/client.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_SUITE("h2 time limits") {
  TEST_CASE("a client that does not begin HTTP/2 is sent away") {
    Server silent;
    silent.fill_all();
    silent.pass(milliseconds(9'999));
    CHECK_FALSE(goaway_code(silent.fill_all()).has_value());
    silent.pass(milliseconds(1));
    CHECK(goaway_code(silent.fill_all()) == NGHTTP2_SETTINGS_TIMEOUT);
    CHECK(silent.session.is_finished());
    CHECK(silent.counters.settings_timeouts.value() == 1);

    Server half;  // The preface without its SETTINGS.
    half.feed("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    half.fill_all();
    half.pass(seconds(10));
    CHECK(goaway_code(half.fill_all()) == NGHTTP2_SETTINGS_TIMEOUT);
  }

  TEST_CASE("a client that does not acknowledge our SETTINGS is sent away") {
    Server server;
    server.feed(preface());
    server.fill_all();
    server.pass(seconds(10));
    CHECK(goaway_code(server.fill_all()) == NGHTTP2_SETTINGS_TIMEOUT);
  }

  TEST_CASE("a header block that does not end ends the connection") {
    Server server;
    greet(server);
    server.feed(to_wire({.type = NGHTTP2_HEADERS, .stream = 1, .payload = header_block(get())}));
    server.pass(seconds(9));
    CHECK_FALSE(server.session.is_finished());
    server.pass(seconds(11));
    CHECK(goaway_code(server.fill_all()) == NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK(server.counters.headers_timeouts.value() == 1);
  }

  TEST_CASE("a header block that ended badly is forgotten") {
    Server server({.ping_after = std::chrono::hours(1)});
    greet(server);
    Fields fields = get();
    fields.emplace_back(":path", "/again");
    server.feed(headers(1, fields, NGHTTP2_FLAG_END_STREAM));
    server.fill_all();
    server.pass(seconds(40));
    CHECK(server.counters.headers_timeouts.value() == 0);
    CHECK_FALSE(server.session.is_finished());
  }

  TEST_CASE("a request body that makes no progress gets 408") {
    Pair pair;
    pair.server.service.on_open = [](Talk&) {};
    const auto id = pair.client.ask(get("/", "POST"), "begin", false);
    pair.settle();
    for (int i = 0; i < 10; ++i) {  // A slow one is not silent.
      pair.server.pass(seconds(20));
      pair.client.upload(id, "x");
      pair.settle();
    }
    CHECK(pair.reply(id).status == 0);
    pair.server.pass(seconds(40));
    pair.settle();
    CHECK(pair.reply(id).status == 408);
    CHECK_FALSE(pair.reply(id).is_closed);
    pair.server.pass(seconds(40));
    pair.settle();
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.server.service.last().is_gone);
    CHECK(pair.server.counters.body_timeouts.value() == 1);
  }

  TEST_CASE("a body that waits for us has all the time that we take") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) { talk.consumes = false; };
    const auto id = pair.client.ask(get("/", "POST"), std::string(100'000, 'x'));
    pair.settle();
    for (int i = 0; i < 10; ++i) {
      pair.server.pass(seconds(20));
      pair.settle();
    }
    CHECK(pair.reply(id).status == 0);
    CHECK_FALSE(pair.server.service.last().is_gone);
  }

  TEST_CASE("a publisher whose request is being answered may be silent") {
    Pair pair;
    const auto id = pair.client.ask(get("/", "POST"), "begin", false);
    pair.settle();
    for (int i = 0; i < 10; ++i) {
      pair.server.pass(seconds(20));
      pair.settle();
    }
    CHECK_FALSE(pair.reply(id).is_closed);
  }

  TEST_CASE("a silent peer is asked, and lives if it answers") {
    Pair pair;
    pair.client.ask(get());
    pair.settle();
    for (int i = 0; i < 30; ++i) {
      pair.server.pass(seconds(10));
      pair.settle();
    }
    CHECK(pair.server.counters.pings.value() >= 5);
    CHECK(pair.server.counters.pings.value() <= 10);
    CHECK(pair.server.counters.ping_timeouts.value() == 0);
    CHECK_FALSE(pair.server.session.is_finished());
  }

  TEST_CASE("a dead peer is found by a PING that it does not answer") {
    Pair pair;
    pair.client.ask(get());
    pair.settle();
    pair.server.pass(seconds(31));
    CHECK(only(NGHTTP2_PING, parse(pair.server.fill())).size() == 1);
    pair.server.pass(seconds(9));
    CHECK_FALSE(pair.server.session.is_finished());
    pair.server.pass(seconds(11));
    CHECK(pair.server.session.is_finished());
    CHECK(pair.server.counters.ping_timeouts.value() == 1);
  }

  TEST_CASE("a PING that could not leave proves nothing") {
    Pair pair;
    pair.client.ask(get());
    pair.settle();
    pair.server.pass(seconds(120));  // The socket is blocked: nobody calls fill().
    CHECK_FALSE(pair.server.session.is_finished());
  }

  TEST_CASE("a connection without streams is given up politely") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    pair.server.service.last().finish();
    pair.settle();
    REQUIRE(pair.reply(id).is_closed);
    for (int i = 0; i < 17; ++i) {
      pair.server.pass(seconds(10));
      pair.settle();
    }
    CHECK(pair.client.goaways.empty());
    pair.server.pass(seconds(20));
    pair.settle();
    CHECK(pair.client.goaways.size() == 2);
    CHECK(pair.client.goaways.front() == 0x7fffffff);
    CHECK(pair.server.session.is_finished());
    CHECK(pair.server.counters.idle_timeouts.value() == 1);
  }

  TEST_CASE("a connection that never asked for anything is given up sooner") {
    Pair pair;
    for (int i = 0; i < 7; ++i) {
      pair.server.pass(seconds(10));
      pair.settle();
    }
    CHECK(pair.server.session.is_finished());
  }

  TEST_CASE("an event stream keeps its connection for as long as it likes") {
    Pair pair;
    const auto id = pair.client.ask(get());
    pair.settle();
    for (int i = 0; i < 360; ++i) {
      pair.server.pass(seconds(10));
      pair.settle();
    }
    CHECK_FALSE(pair.server.session.is_finished());
    pair.server.service.last().say("data: good morning\n\n");
    pair.settle();
    CHECK(pair.reply(id).body == "data: good morning\n\n");
  }
}

TEST_SUITE("an old h2 connection") {
  Options retiring() {
    return {.retirement = {.age = std::chrono::minutes(60), .window = seconds(10)}};
  }

  TEST_CASE("is told to open no more, and its streams end one by one over the window") {
    Pair pair(retiring());
    for (int i = 0; i < 10; ++i) pair.client.ask(get());
    pair.settle();
    const auto told = [&] {
      return std::count_if(pair.server.service.talks.begin(), pair.server.service.talks.end(),
                           [](const TalkPtr& talk) { return talk->told_to_end; });
    };
    const auto pass = [&](int n) {
      for (int i = 0; i < n; ++i) {
        pair.server.pass(seconds(1));
        pair.settle();
      }
    };
    pass(53 * 60);
    CHECK(told() == 0);
    while (pair.server.counters.retired.value() == 0) pass(1);
    CHECK(told() <= 1);
    pass(5);
    CHECK(told() >= 4);
    CHECK(told() <= 7);
    CHECK_FALSE(pair.server.session.is_finished());
    pass(7);
    CHECK(told() == 10);
    CHECK(pair.server.session.is_finished());
  }

  TEST_CASE("lets an answer that ends by itself go on to its end") {
    Pair pair(retiring());
    pair.server.service.on_open = [](Talk& talk) { talk.ok(http::Kind::bulk); };
    const auto id = pair.client.ask(get());
    pair.settle();
    for (int i = 0; i < 67 * 60; ++i) {
      pair.server.pass(seconds(1));
      pair.settle();
    }
    CHECK_FALSE(pair.server.service.last().told_to_end);
    CHECK_FALSE(pair.server.session.is_finished());
    pair.server.service.last().say("the rest");
    pair.server.service.last().finish();
    pair.settle();
    CHECK(pair.reply(id).body == "the rest");
    pair.server.pass(seconds(1));
    pair.settle();
    CHECK(pair.server.session.is_finished());
  }
}

TEST_SUITE("h2::TokenBucket") {
  TEST_CASE("it gives its burst at once, and its rate from then on") {
    ManualClock clock;
    TokenBucket bucket({.burst = 3, .per_second = 2}, clock.now());
    for (int i = 0; i < 3; ++i) CHECK(bucket.take(clock.now()));
    CHECK_FALSE(bucket.take(clock.now()));
    clock.advance(milliseconds(500));
    CHECK(bucket.take(clock.now()));
    CHECK_FALSE(bucket.take(clock.now()));
    clock.advance(std::chrono::hours(1));
    for (int i = 0; i < 3; ++i) CHECK(bucket.take(clock.now()));
    CHECK_FALSE(bucket.take(clock.now()));
  }

  TEST_CASE("what it is given goes beyond its burst, but not for ever") {
    ManualClock clock;
    TokenBucket bucket({.burst = 3, .per_second = 2}, clock.now());
    bucket.give(100);
    for (int i = 0; i < 12; ++i) CHECK(bucket.take(clock.now()));
    CHECK_FALSE(bucket.take(clock.now()));
  }
}

}  // namespace
}  // namespace sluice::h2
