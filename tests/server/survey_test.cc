#include "gateway/server/survey.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

StreamRow row(std::uint64_t key, std::uint64_t id) {
  return {.key = {key, 0}, .id = {.connection = id, .stream = 1}};
}

std::vector<std::uint64_t> keys(Largest<StreamRow>& largest) {
  std::vector<std::uint64_t> result;
  for (const StreamRow& each : largest.take()) result.push_back(each.key.first);
  return result;
}

TEST_SUITE("an id of a stream") {
  TEST_CASE("is read as it is written") {
    CHECK(StreamId::parse("42-7") == StreamId{.connection = 42, .stream = 7});
    CHECK(StreamId::parse("42") == StreamId{.connection = 42});
    CHECK(StreamId{.connection = 42, .stream = 7}.to_string() == "42-7");
    CHECK(StreamId{.connection = 42}.to_string() == "42");
  }

  TEST_CASE("is digits and nothing else") {
    for (const char* bad : {"", "-", "1-", "-1", "1-x", "x-1", "1-2-3", " 1", "0x1", "1.5",
                            "99999999999999999999", "1-99999999999999999999"}) {
      CAPTURE(bad);
      CHECK_FALSE(StreamId::parse(bad).has_value());
    }
  }
}

TEST_SUITE("the largest") {
  TEST_CASE("are kept, from the largest on, however they come") {
    Largest<StreamRow> largest(3);
    for (const std::uint64_t key : {5U, 1U, 9U, 7U, 2U, 8U, 3U}) {
      if (largest.takes({key, 0})) largest.add(row(key, key));
    }
    CHECK(keys(largest) == std::vector<std::uint64_t>{9, 8, 7});
  }

  TEST_CASE("one that is met twice is there once") {
    Largest<StreamRow> largest(3);
    largest.add(row(5, 1));
    largest.add(row(6, 1));
    CHECK(keys(largest).size() == 1);
  }

  TEST_CASE("of none, none") {
    Largest<StreamRow> largest(0);
    CHECK_FALSE(largest.takes({5, 0}));
  }
}

TEST_SUITE("what holds a stream up") {
  TEST_CASE("is its socket, its window, or that it reads history") {
    http::Flow flow{.stream_window = 100, .connection_window = 100};
    CHECK(state_of(flow, {.queued = 10}) == "ok");
    CHECK(state_of(flow, {.queued = 10, .is_lagging = true}) == "lagging");
    flow.stream_window = 0;
    CHECK(state_of(flow, {.queued = 10, .is_lagging = true}) == "window_shut");
    CHECK(state_of(flow, {}) == "ok");  // It has nothing to send.
    flow.transport.blocked_since = TimePoint(std::chrono::seconds(1));
    CHECK(state_of(flow, {.queued = 10}) == "socket_full");
    CHECK(state_of({}, {.queued = 10}) == "ok");  // HTTP/1.1 has no window.
  }
}

}  // namespace
}  // namespace sluice::server
