#include <string>

#include <doctest/doctest.h>

#include "tests/h2/client.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

constexpr std::uint32_t kCalm = NGHTTP2_ENHANCE_YOUR_CALM;

/// Sends `attack(0)`, `attack(1)`… each with a flush, until the session ends. How many that took,
/// or `most` if it goes on.
template <class F>
int endures(Server& server, int most, F attack, std::string* last = nullptr) {
  for (int i = 0; i < most; ++i) {
    server.feed(attack(i));
    const std::string wire = server.fill_all();
    if (last != nullptr) *last = wire;
    if (server.session.is_finished()) return i + 1;
  }
  return most;
}

TEST_SUITE("h2 abuse") {
  TEST_CASE("made-you-reset by a window that overflows ends within the budget") {
    Server server;
    greet(server);
    std::string wire;
    const int n = endures(
        server, 3000,
        [](int i) {
          return headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM) +
                 window_update(2 * i + 1, 0x7fffffff);
        },
        &wire);
    CHECK(n == 101);
    CHECK(goaway_code(wire) == kCalm);
    CHECK(server.counters.calm_closes.value() == 1);
  }

  TEST_CASE("made-you-reset by a body that contradicts its length ends within the budget") {
    Server server;
    greet(server);
    std::string wire;
    const int n = endures(
        server, 3000,
        [](int i) {
          Fields fields = get("/", "POST");
          fields.emplace_back("content-length", "1");
          return headers(2 * i + 1, fields) + data(2 * i + 1, "four");
        },
        &wire);
    CHECK(n == 101);
    CHECK(goaway_code(wire) == kCalm);
    CHECK(server.counters.provoked_resets.value() == 101);
  }

  TEST_CASE("made-you-reset in one piece does not get away either") {
    Server server;
    greet(server);
    std::string all;
    for (int i = 0; i < 1000; ++i) {
      all += headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM);
      all += window_update(2 * i + 1, 0x7fffffff);
    }
    server.feed(all);
    CHECK(goaway_code(server.fill_all()) == kCalm);
    CHECK(server.session.is_finished());
    CHECK(server.service.talks.size() < 250);
  }

  TEST_CASE("errors at the pace of a clumsy client are forgiven") {
    Server server;
    greet(server);
    const int n = endures(server, 500, [&](int i) {
      server.clock.advance(std::chrono::milliseconds(100));
      return headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM) +
             window_update(2 * i + 1, 0x7fffffff);
    });
    CHECK(n == 500);
    CHECK_FALSE(server.session.is_finished());
  }

  TEST_CASE("rapid reset ends the connection") {
    Server server;
    greet(server);
    std::string wire;
    const int n = endures(
        server, 3000,
        [](int i) { return headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM) + rst(2 * i + 1); },
        &wire);
    CHECK(n == 513);
    CHECK(goaway_code(wire) == kCalm);
  }

  TEST_CASE("rapid reset after a shutdown notice ends the connection too") {
    Server server;
    greet(server);
    server.session.drain_notice();
    const int n = endures(server, 3000, [](int i) {
      return headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM) + rst(2 * i + 1);
    });
    CHECK(n == 513);
  }

  TEST_CASE("a browser that closes a page with all of its streams keeps its connection") {
    Pair pair;
    for (int page = 0; page < 2; ++page) {
      std::vector<std::int32_t> ids;
      for (int i = 0; i < 250; ++i) ids.push_back(pair.client.ask(get()));
      pair.settle();
      for (const std::int32_t id : ids) pair.client.reset(id);
      pair.settle();
    }
    CHECK(pair.server.counters.peer_resets.value() == 500);
    CHECK_FALSE(pair.server.session.is_finished());
  }

  TEST_CASE("a flood of CONTINUATION frames ends the connection") {
    Server server;
    greet(server);
    server.feed(to_wire({.type = NGHTTP2_HEADERS, .stream = 1, .payload = header_block(get())}));
    std::string wire;
    const int n = endures(
        server, 100, [](int) { return to_wire({.type = NGHTTP2_CONTINUATION, .stream = 1}); },
        &wire);
    CHECK(n == 9);
    CHECK(goaway_code(wire) == kCalm);
    CHECK(server.service.talks.empty());
  }

  TEST_CASE("a flood of PING frames ends the connection, heard or unheard") {
    const std::string ping = to_wire({.type = NGHTTP2_PING, .payload = std::string(8, 'p')});
    Server heard;
    greet(heard);
    CHECK(endures(heard, 1000, [&](int) { return ping; }) == 199);  // greet() took two.

    Server unheard;
    greet(unheard);
    std::string all;
    for (int i = 0; i < 70; ++i) all += ping;
    unheard.feed(all);
    CHECK(goaway_code(unheard.fill_all()) == kCalm);
  }

  TEST_CASE("PING as often as clients do is no flood") {
    Server server;
    greet(server);
    const std::string ping = to_wire({.type = NGHTTP2_PING, .payload = std::string(8, 'p')});
    CHECK(endures(server, 1000, [&](int) {
            server.clock.advance(std::chrono::milliseconds(10));
            return ping;
          }) == 1000);
  }

  TEST_CASE("a flood of SETTINGS, or one with too many entries, ends the connection") {
    Server server;
    greet(server);
    const std::string settings = to_wire({.type = NGHTTP2_SETTINGS});
    CHECK(endures(server, 1000, [&](int) { return settings; }) < 250);

    Server large;
    greet(large);
    std::string entries;
    for (int i = 0; i < 17; ++i) entries += std::string("\0\x03\0\0\0\x64", 6);
    large.feed(to_wire({.type = NGHTTP2_SETTINGS, .payload = entries}));
    CHECK(goaway_code(large.fill_all()).has_value());
    CHECK(large.session.is_finished());
  }

  TEST_CASE("a flood of DATA frames without bytes ends the connection") {
    Server server;
    greet(server);
    server.feed(headers(1, get("/", "POST")));
    CHECK(endures(server, 1000, [](int) { return data(1, ""); }) < 250);
  }

  TEST_CASE("WINDOW_UPDATE and PRIORITY_UPDATE have room for any honest client, and an end") {
    Server server;
    greet(server);
    server.feed(headers(1, get(), NGHTTP2_FLAG_END_STREAM));
    const int n = endures(server, 50'000, [](int i) {
      return i % 2 == 0 ? window_update(1, 1)
                        : to_wire({.type = NGHTTP2_PRIORITY_UPDATE, .payload = number(1) + "u=1"});
    });
    CHECK(n == 20'001);
  }

  TEST_CASE("a client that updates its windows for every frame of a firehose goes on for ever") {
    Server server;
    greet(server);
    server.service.on_open = [](Talk& talk) {
      talk.has_endless = true;
      talk.ok();
    };
    server.feed(headers(1, get(), NGHTTP2_FLAG_END_STREAM));
    int frames = 0;
    while (frames < 60'000) {  // The clock stands still: only what was sent earns anything.
      for (const Frame& frame : only(NGHTTP2_DATA, parse(server.fill()))) {
        const auto size = static_cast<std::uint32_t>(frame.payload.size());
        server.feed(window_update(0, size) + window_update(1, size));
        ++frames;
      }
      REQUIRE_FALSE(server.session.is_finished());
    }
  }

  TEST_CASE("more streams than advertised are refused") {
    Server server({.max_concurrent_streams = 10});
    greet(server);
    std::string all;
    for (int i = 0; i < 11; ++i) all += headers(2 * i + 1, get(), NGHTTP2_FLAG_END_STREAM);
    server.feed(all);
    server.fill_all();
    CHECK(server.service.talks.size() == 10);
  }

  TEST_CASE("a peer that does not read makes us stop reading, then ends") {
    Server server({.control_frames = {1'000'000, 0}, .max_outbound_ack = 1'000'000});
    greet(server);
    const std::string ping = to_wire({.type = NGHTTP2_PING, .payload = std::string(8, 'p')});
    for (int i = 0; i < 1000; ++i) server.feed(ping);
    CHECK(server.session.wants_read());
    server.feed(ping);
    CHECK_FALSE(server.session.wants_read());
    CHECK_FALSE(server.session.is_finished());
    for (int i = 0; i < 4000; ++i) server.feed(ping);
    CHECK(server.session.is_finished());
  }
}

}  // namespace
}  // namespace sluice::h2
