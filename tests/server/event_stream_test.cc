#include "gateway/server/event_stream.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "gateway/hub/hub.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct FakeExchange final : http::Exchange {
  void respond(http::Response, http::Kind, std::optional<std::uint64_t>) override {}
  void wake() override { ++woken; }
  void consume(std::size_t) override {}
  void abort() override {}
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

  int woken = 0;

 private:
  http::Connection connection_;
};

/// One event stream on topic "t", heartbeats every 15 s sharp, `retry` always 3000.
struct Stream {
  Stream() {
    loop.turn(false);
    stream = make_in<EventStream>(memory, exchange, setting);
    stream->start(std::move(*hub.subscribe(hub::Interest::of({"t"}, {}), hub.now(), *stream)));
  }

  void publish(std::string data) {
    last = last.next();
    hub.publish(sse::make_event({.topics = {"t"}, .data = std::move(data)}, last, "epoch000"));
    hub.wake_readers();
  }
  /// What one flush with room for `max` bytes would send; "$" where the body ends.
  std::string flush(std::size_t max = 10'000) {
    const http::Answer::Ready ready = stream->ready(max);
    std::string bytes(ready.bytes, '\0');
    if (ready.bytes > 0) stream->take(std::as_writable_bytes(std::span(bytes)));
    return bytes + (ready.last ? "$" : "");
  }
  std::string flush_all() {
    std::string all;
    for (std::string some = flush(); !some.empty(); some = all.ends_with('$') ? "" : flush()) {
      all += some;
    }
    return all;
  }
  void pass(Duration time) {
    clock.advance(time);
    loop.turn(false);
  }

  ManualClock clock;
  net::Loop loop{clock};
  hub::Options options;
  hub::Counters hub_counters;
  hub::Hub hub{options, {.clock = clock, .wheel = loop.wheel(), .epoch = "epoch000"}, hub_counters};
  HeartbeatOptions heartbeat{.interval = seconds(15), .jitter = milliseconds(0)};
  RetryOptions retry{.min = milliseconds(3000), .max = milliseconds(3000)};
  Counters counters;
  Slab memory{sizeof(EventStream)};
  EventStream::Setting setting{memory, loop, heartbeat, retry, counters};
  FakeExchange exchange;
  std::unique_ptr<EventStream> stream;
  sse::Position last{0};
};

TEST_SUITE("an event stream") {
  TEST_CASE(
      "begins with a comment and a retry, and no blank line: that would be an event to some") {
    Stream stream;
    CHECK(stream.flush() == ":\nretry: 3000\n");
    CHECK(stream.flush().empty());
  }

  TEST_CASE("goes on with its events as they come") {
    Stream stream;
    stream.flush_all();
    stream.publish("a");
    stream.publish("b");
    CHECK(stream.flush() == "id: epoch000-1\ndata: a\n\nid: epoch000-2\ndata: b\n\n");
  }

  TEST_CASE("says when what it gives is all, of its own lines and of events") {
    Stream stream;
    const http::Answer::Ready first = stream.stream->ready(1'000);
    CHECK(first.is_all);
    CHECK(stream.flush() == ":\nretry: 3000\n");
    stream.publish("a");
    CHECK(stream.exchange.woken == 1);
    CHECK(stream.stream->ready(1'000).is_all);
    CHECK_FALSE(stream.stream->ready(10).is_all);
    CHECK(stream.flush(10) == "id: epoch0");
    stream.stream->end(milliseconds(1'000));
    CHECK(stream.flush() == "00-1\ndata: a\n\nretry: 1000\n$");
  }

  TEST_CASE("sends a heartbeat after fifteen silent seconds, and another after fifteen more") {
    Stream stream;
    stream.flush_all();
    stream.pass(milliseconds(14'900));
    CHECK(stream.flush_all().empty());
    stream.pass(milliseconds(250));
    CHECK(stream.exchange.woken == 1);
    CHECK(stream.flush_all() == ":\n");
    stream.pass(seconds(16));
    CHECK(stream.flush_all() == ":\n");
    CHECK(stream.counters.heartbeats.value() == 2);
  }

  TEST_CASE("needs no heartbeat while events pass") {
    Stream stream;
    stream.flush_all();
    for (int i = 0; i < 10; ++i) {
      stream.pass(seconds(10));
      stream.publish("x");
      CHECK(stream.flush_all().starts_with("id: "));
    }
    CHECK(stream.counters.heartbeats.value() == 0);
  }

  TEST_CASE(
      "never puts a heartbeat inside an event, nor piles them up for a client that is stuck") {
    Stream stream;
    stream.flush_all();
    stream.publish("a long event");
    CHECK(stream.flush(10) == "id: epoch0");
    stream.pass(seconds(60));
    stream.pass(seconds(60));
    CHECK(stream.flush_all() == "00-1\ndata: a long event\n\n");
    stream.pass(seconds(60));
    stream.pass(seconds(60));
    CHECK(stream.flush_all() == ":\n");
  }

  TEST_CASE("that is ended finishes its event, says when to come back, and is over") {
    Stream stream;
    stream.flush_all();
    stream.publish("last");
    stream.publish("never sent here");
    CHECK(stream.flush(10) == "id: epoch0");
    stream.stream->end(milliseconds(4321));
    CHECK(stream.flush_all() == "00-1\ndata: last\n\nretry: 4321\n$");
  }

  TEST_CASE("that is ended before its first flush still begins properly") {
    Stream stream;
    stream.stream->end(milliseconds(700));
    CHECK(stream.flush_all() == ":\nretry: 3000\nretry: 700\n$");
  }

  TEST_CASE("comes out the same in pieces of any size") {
    Stream whole;
    whole.publish("a");
    whole.publish("b");
    whole.stream->end(milliseconds(700));
    const std::string expected = whole.flush_all();
    for (std::size_t piece = 1; piece < expected.size(); ++piece) {
      CAPTURE(piece);
      Stream stream;
      stream.publish("a");
      stream.publish("b");
      stream.stream->end(milliseconds(700));
      std::string all;
      while (!all.ends_with('$')) all += stream.flush(piece);
      CHECK(all == expected);
    }
  }

  TEST_CASE("that is gone is counted no more, and its deadline with it") {
    Stream stream;
    CHECK(stream.counters.event_streams.value() == 1);
    stream.stream.reset();
    CHECK(stream.counters.event_streams.value() == 0);
    stream.pass(seconds(60));
  }
}

}  // namespace
}  // namespace sluice::server
