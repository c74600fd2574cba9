#include "gateway/server/live_feed.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/loop.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct FakeExchange final : http::Exchange {
  void respond(http::Response response, http::Kind given, std::optional<std::uint64_t>) override {
    head = std::move(response);
    kind = given;
  }
  void wake() override { ++woken; }
  void consume(std::size_t) override {}
  void abort() override {}
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

  http::Response head{.status = 0};
  http::Kind kind = http::Kind::finite;
  int woken = 0;

 private:
  http::Connection connection_;
};

/// A dashboard, and how much its client lets it send.
struct Viewer {
  explicit Viewer(LiveFeed& feed, const char* method = "GET")
      : answer(feed.open({.method = method, .path = "/live"}, exchange)) {}

  /// What one flush with room for `max` bytes would send; "$" where the body ends.
  std::string flush(std::size_t max = 10'000) {
    const http::Answer::Ready ready = answer->ready(max);
    std::string bytes(ready.bytes, '\0');
    if (ready.bytes > 0) answer->take(std::as_writable_bytes(std::span(bytes)));
    return bytes + (ready.last ? "$" : "");
  }
  std::string flush_all() {
    std::string all;
    for (std::string some = flush(); !some.empty(); some = all.ends_with('$') ? "" : flush()) {
      all += some;
    }
    return all;
  }

  FakeExchange exchange;
  std::unique_ptr<http::Answer> answer;
};

/// A feed of the snapshots "1", "2", …; the loop's timers go by real time, so a test calls tick().
struct Room {
  ManualClock clock;
  net::Loop loop{clock};
  int made = 0;
  LiveFeed feed{loop, {.viewers = 3}, [this] { return std::to_string(++made); }};

  void tick() {
    clock.advance(LiveFeed::kInterval);
    loop.turn(false);
    feed.tick();
  }
};

TEST_SUITE("the dashboard's feed") {
  TEST_CASE("is an event stream that begins with a comment, a retry and a snapshot at once") {
    Room room;
    Viewer viewer(room.feed);
    CHECK(viewer.exchange.head.status == 200);
    CHECK(*viewer.exchange.head.headers.find("content-type") == "text/event-stream");
    CHECK(viewer.exchange.kind == http::Kind::event_stream);
    CHECK(viewer.flush_all() == ":\nretry: 1000\ndata: 1\n\n");
    CHECK(viewer.flush().empty());
  }

  TEST_CASE("goes on with a snapshot each second, made once for all") {
    Room room;
    Viewer one(room.feed);
    Viewer other(room.feed);
    one.flush_all();
    CHECK(other.flush_all() == ":\nretry: 1000\ndata: 1\n\n");
    room.tick();
    CHECK(one.exchange.woken == 1);
    CHECK(one.flush_all() == "data: 2\n\n");
    CHECK(other.flush_all() == "data: 2\n\n");
    CHECK(room.made == 2);
  }

  TEST_CASE("makes one every ten seconds while nobody looks") {
    Room room;
    for (int i = 0; i < 25; ++i) room.tick();
    CHECK(room.made == 3);
    {
      const Viewer viewer(room.feed);
      CHECK(room.feed.counters().viewers.value() == 1);
      for (int i = 0; i < 4; ++i) room.tick();
    }
    CHECK(room.feed.counters().viewers.value() == 0);
    CHECK(room.made == 8);
    room.tick();
    CHECK(room.made == 8);
  }

  TEST_CASE("shows a newcomer what has been, the oldest first") {
    Room room;
    for (int i = 0; i < 15; ++i) room.tick();
    Viewer viewer(room.feed);
    CHECK(viewer.flush_all() == ":\nretry: 1000\ndata: 1\n\ndata: 2\n\ndata: 3\n\n");
    room.tick();
    CHECK(viewer.flush_all() == "data: 4\n\n");
  }

  TEST_CASE("shows the newest once, though it is one of those that are kept") {
    Room room;
    room.tick();
    Viewer viewer(room.feed);
    CHECK(viewer.flush_all() == ":\nretry: 1000\ndata: 1\n\n");
  }

  TEST_CASE("keeps five minutes and no more") {
    Room room;
    for (int i = 0; i < 1000; ++i) room.tick();
    Viewer viewer(room.feed);
    const std::string all = viewer.flush_all();
    CHECK(all.starts_with(":\nretry: 1000\ndata: 71\n\ndata: 72\n\n"));
    CHECK(all.ends_with("data: 100\n\ndata: 101\n\n"));
  }

  TEST_CASE("makes no more of them for who comes and goes") {
    Room room;
    for (int i = 0; i < 10; ++i) {
      Viewer viewer(room.feed);
      CHECK(viewer.flush_all() == ":\nretry: 1000\ndata: 1\n\n");
    }
    CHECK(room.made == 1);
    room.clock.advance(seconds(1));
    room.loop.turn(false);
    Viewer later(room.feed);
    CHECK(later.flush_all() == ":\nretry: 1000\ndata: 2\n\n");
  }

  TEST_CASE("queues nothing for who does not read: that one gets the newest") {
    Room room;
    Viewer viewer(room.feed);
    viewer.flush_all();
    room.tick();
    CHECK(viewer.flush(4) == "data");
    for (int i = 0; i < 50; ++i) room.tick();
    CHECK(viewer.flush_all() == ": 2\n\ndata: 52\n\n");
    CHECK(viewer.flush().empty());
  }

  TEST_CASE("sends the next viewer away where there are enough, so that it comes back by itself") {
    Room room;
    std::vector<std::unique_ptr<Viewer>> viewers;
    for (int i = 0; i < 3; ++i) viewers.push_back(std::make_unique<Viewer>(room.feed));
    Viewer refused(room.feed);
    CHECK(refused.exchange.head.status == 200);
    CHECK(refused.flush_all() ==
          "event: full\nretry: 10000\ndata: 3 dashboards are open, which is admin.viewers; close "
          "one\n\n$");
    CHECK(room.feed.counters().refused.value() == 1);
    CHECK(room.feed.counters().viewers.value() == 3);
    viewers.pop_back();
    Viewer admitted(room.feed);
    CHECK(admitted.flush_all() == ":\nretry: 1000\ndata: 1\n\n");
  }

  TEST_CASE("ends with a retry when the gateway does, for those in the middle of a snapshot, too") {
    Room room;
    Viewer prompt(room.feed);
    Viewer slow(room.feed);
    prompt.flush_all();
    CHECK(slow.flush(4) == ":\nre");
    room.feed.end();
    CHECK(prompt.exchange.woken == 1);
    const std::string end = "event: end\nretry: 1000\ndata: the gateway has ended\n\n$";
    CHECK(prompt.flush_all() == end);
    CHECK(slow.flush_all() == "try: 1000\n" + end);
    Viewer late(room.feed);
    CHECK(late.flush_all() == ":\nretry: 1000\n" + end);
  }

  TEST_CASE("answers HEAD without becoming a stream") {
    Room room;
    Viewer viewer(room.feed, "HEAD");
    CHECK(viewer.flush_all() == "$");
    CHECK(room.feed.counters().viewers.value() == 0);
  }
}

}  // namespace
}  // namespace sluice::server
