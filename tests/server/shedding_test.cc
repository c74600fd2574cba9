#include "gateway/server/shedding.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/hub/hub.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

struct SilentExchange final : http::Exchange {
  void respond(http::Response, http::Kind, std::optional<std::uint64_t>) override {}
  void wake() override {}
  void consume(std::size_t) override {}
  void abort() override {}
  [[nodiscard]] const http::Connection& connection() const override { return connection_; }

 private:
  http::Connection connection_;
};

/// A worker's streams on topic "t" of which 100 events are held, in rings of two.
struct House {
  House() {
    loop.turn(false);
    for (int i = 1; i <= 100; ++i) {
      last = last.next();
      hub.publish(sse::make_event({.topics = {"t"}, .data = std::to_string(i)}, last, "epoch000"));
    }
    hub.wake_readers();
  }

  EventStream& open(hub::Start start) {
    all.push_back(make_in<EventStream>(memory, exchange, setting));
    EventStream& stream = *all.back();
    streams.push_back(stream);
    stream.start(std::move(*hub.subscribe(hub::Interest::of({"t"}, {}), start, stream)));
    return stream;
  }
  EventStream& open_behind(int position) {
    return open(hub.resolve("epoch000-" + std::to_string(position)));
  }
  static std::string flush(EventStream& stream, std::size_t max = 100'000) {
    const http::Answer::Ready ready = stream.ready(max);
    std::string bytes(ready.bytes, '\0');
    if (ready.bytes > 0) stream.take(std::as_writable_bytes(std::span(bytes)));
    return bytes + (ready.last ? "$" : "");
  }
  [[nodiscard]] std::uint64_t shed() const { return counters.shed_readers.value(); }

  ManualClock clock;
  net::Loop loop{clock};
  hub::Options options{.ring_events = 2};
  hub::Counters hub_counters;
  hub::Hub hub{options, {.clock = clock, .wheel = loop.wheel(), .epoch = "epoch000"}, hub_counters};
  sse::Position last{0};
  HeartbeatOptions heartbeat;
  RetryOptions retry{.min = milliseconds(1000),
                     .max = milliseconds(1000),
                     .parked_min = milliseconds(7000),
                     .parked_max = milliseconds(7000)};
  Counters counters;
  Slab memory{sizeof(EventStream)};
  EventStream::Setting setting{memory, loop, heartbeat, retry, counters};
  SilentExchange exchange;
  net::Connections connections{loop, {}, nullptr};
  IntrusiveList<EventStream, EventStreamTag> streams;
  std::vector<std::unique_ptr<EventStream>> all;
  Shedding shedding{
      loop, {.connections = connections, .streams = streams, .retry = retry, .counters = counters}};
};

TEST_SUITE("shedding") {
  TEST_CASE("ends who is behind with a retry, and nobody who keeps up") {
    House house;
    EventStream& live = house.open(house.hub.now());
    EventStream& behind = house.open_behind(10);
    house.flush(live);
    house.shedding.look();
    CHECK(house.shed() == 1);
    CHECK(house.flush(live).empty());
    CHECK(house.flush(behind) == ":\nretry: 1000\nretry: 7000\n$");
    house.shedding.look();
    CHECK(house.shed() == 1);
  }

  TEST_CASE("begins with who is farthest behind, a few at a time") {
    House house;
    for (int i = 0; i < 30; ++i) house.open_behind(30 + i);
    EventStream& farthest = house.open_behind(1);
    EventStream& nearest = house.open_behind(90);
    house.shedding.look();
    CHECK(house.shed() == 8);
    CHECK_FALSE(farthest.lagging_at());
    CHECK(nearest.lagging_at());
    for (int i = 0; i < 3; ++i) house.shedding.look();
    CHECK(house.shed() == 32);
  }

  TEST_CASE("an event that was begun is finished first") {
    House house;
    EventStream& behind = house.open_behind(10);
    house.flush(behind, 14);  // The first lines.
    CHECK(house.flush(behind, 5) == "id: e");
    house.shedding.look();
    const std::string rest = house.flush(behind);
    CHECK(rest.starts_with("poch000-11\n"));
    CHECK(rest.ends_with("data: 11\n\nretry: 7000\n$"));
  }

  TEST_CASE("lets go of what a reader held that reads no more") {
    House house;
    house.open_behind(10);
    CHECK(house.hub_counters.lagging.value() == 1);
    house.shedding.look();
    CHECK(house.hub_counters.lagging.value() == 0);
  }

  TEST_CASE("goes on as long as the level asks for it") {
    House house;
    for (int i = 0; i < 20; ++i) house.open_behind(10);
    house.shedding.set(MemoryLevel::no_replay);
    CHECK(house.shed() == 0);
    house.shedding.set(MemoryLevel::shed);
    CHECK(house.shed() == 8);
    house.shedding.set(MemoryLevel::calm);
    house.loop.turn(false);
    CHECK(house.shed() == 8);
  }
}

}  // namespace
}  // namespace sluice::server
