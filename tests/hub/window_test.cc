#include "gateway/hub/window.h"

#include <doctest/doctest.h>

namespace sluice::hub {
namespace {

using sse::Position;

Window window_of(Window::Limits limits, int events, const char* topic = "t") {
  Window window(limits);
  for (int i = 1; i <= events; ++i) {
    window.append(sse::make_event({.topics = {topic}, .data = "x"},
                                  Position(static_cast<std::uint64_t>(i)), "epoch000"));
  }
  return window;
}

TEST_SUITE("the window") {
  TEST_CASE("holds as many events as it may, and says up to where they are gone") {
    const Window window = window_of({.events = 3, .bytes = 1024 * 1024}, 10);
    CHECK(window.size() == 3);
    CHECK(window.evicted() == Position(7));
    CHECK(window.last() == Position(10));
    CHECK(window.at(Position(8))->id == "epoch000-8");
  }

  TEST_CASE("holds as many bytes as it may") {
    const Window window = window_of({.events = 1000, .bytes = 4096}, 500);
    CHECK(window.bytes() <= 4096);
    CHECK(window.size() > 2);
    CHECK(window.last() == Position(500));
  }

  TEST_CASE("may hold nothing at all") {
    const Window window = window_of({.events = 0, .bytes = 0}, 5);
    CHECK(window.size() == 0);
    CHECK(window.evicted() == Position(5));
  }

  TEST_CASE("finds the next event of a topic without looking at the others") {
    Window window({.events = 6, .bytes = 1024 * 1024});
    for (std::uint64_t i = 1; i <= 10; ++i) {
      window.append(
          sse::make_event({.topics = {i % 5 == 0 ? "rare" : "common", "all"}, .data = "x"},
                          Position(i), "epoch000"));
    }
    CHECK(window.next_of_topic("rare", Position(0)) == Position(5));
    CHECK(window.next_of_topic("rare", Position(5)) == Position(10));
    CHECK(window.next_of_topic("rare", Position(10)) == Position(0));
    CHECK(window.next_of_topic("all", Position(0)) == Position(5));  // 1 to 4 are gone.
    CHECK(window.next_of_topic("none", Position(0)) == Position(0));
  }

  TEST_CASE("has holes where events were taken away before they were seen here") {
    Window window({.events = 5, .bytes = 1024 * 1024});
    const auto add = [&](std::uint64_t position) {
      window.append(
          sse::make_event({.topics = {"t"}, .data = "x"}, Position(position), "epoch000"));
    };
    add(1);
    add(4);
    CHECK(window.last() == Position(4));
    CHECK(window.size() == 4);
    CHECK(window.at(Position(3)) == nullptr);
    CHECK(window.at(Position(4))->id == "epoch000-4");
    CHECK(window.removed() == Position(3));
    add(1000);  // More than it could hold.
    CHECK(window.size() == 1);
    CHECK(window.evicted() == Position(999));
    CHECK(window.next_of_topic("t", Position(0)) == Position(1000));
    for (std::uint64_t i = 1001; i <= 1010; ++i) add(i);
    CHECK(window.size() == 5);
    CHECK(window.evicted() == Position(1005));
  }

  TEST_CASE("forgets the index of what it evicts") {
    Window window({.events = 2, .bytes = 1024 * 1024});
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      window.append(sse::make_event(
          {.topics = {"t" + std::to_string(i)}, .data = "x", .id = "id" + std::to_string(i)},
          Position(i), "epoch000"));
    }
    CHECK_FALSE(window.find("id998"));
    CHECK(window.find("id999") == Position(999));
    CHECK(window.next_of_topic("t998", Position(0)) == Position(0));
    CHECK(window.next_of_topic("t999", Position(0)) == Position(999));
  }
}

}  // namespace
}  // namespace sluice::hub
