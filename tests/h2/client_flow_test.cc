#include <string>

#include <doctest/doctest.h>

#include "tests/h2/upstream.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

constexpr std::size_t kWindow = 64_KiB;

TEST_SUITE("h2 client flow control") {
  TEST_CASE("a call that is not read stops at its window, and 99 others go on") {
    Link link({}, {.max_concurrent_streams = 100});
    link.server.service.on_open = [](Talk& talk) {
      talk.ok();
      talk.has_endless = true;
      talk.exchange->wake();
    };
    Asker& paused = link.client.ask();
    paused.consumes = false;
    for (int i = 0; i < 99; ++i) link.client.ask();

    // The server always has more: so many turns of one record each.
    constexpr std::size_t kTurns = 30'000;
    for (std::size_t i = 0; i < kTurns; ++i) {
      link.server.feed(link.client.fill());
      const std::string wire = link.server.fill();
      REQUIRE_FALSE(wire.empty());  // No window but the paused call's is ever shut.
      link.client.feed(wire);
      for (const auto& asker : link.client.askers) {
        if (asker.get() == &paused) continue;
        if (asker->body.size() > kWindow) asker->taken += std::exchange(asker->body, {}).size();
      }
    }
    CHECK(paused.body.size() == kWindow);
    std::size_t least = SIZE_MAX;
    std::size_t sum = 0;
    for (const auto& asker : link.client.askers) {
      if (asker.get() == &paused) continue;
      least = std::min(least, asker->taken + asker->body.size());
      sum += asker->taken + asker->body.size();
    }
    CHECK(sum > kTurns * 15'000);      // Nearly all that fits in a record is theirs,
    CHECK(least > sum / 99 * 9 / 10);  // and fairly shared.

    // It goes on when it is read: half a window is given back at a time.
    paused.call->consume(kWindow / 2);
    paused.body.clear();
    for (int i = 0; i < 2'000; ++i) {
      link.server.feed(link.client.fill());
      link.client.feed(link.server.fill());
    }
    CHECK(paused.body.size() == kWindow / 2);
  }

  TEST_CASE("99 calls that are not read do not hold up the hundredth") {
    Link link({}, {.max_concurrent_streams = 100});
    link.server.service.on_open = [](Talk& talk) {
      talk.ok();
      talk.has_endless = true;
      talk.exchange->wake();
    };
    for (int i = 0; i < 99; ++i) link.client.ask().consumes = false;
    for (int i = 0; i < 3'000; ++i) {
      link.server.feed(link.client.fill());
      link.client.feed(link.server.fill());
    }
    std::size_t unread = 0;
    for (const auto& asker : link.client.askers) unread += asker->body.size();
    CHECK(unread == 99 * kWindow);
    CHECK(link.server.fill().empty());

    Asker& last = link.client.ask();
    for (int i = 0; i < 2'000; ++i) {
      link.server.feed(link.client.fill());
      link.client.feed(link.server.fill());
    }
    CHECK(last.body.size() > std::size_t{2'000} * 15'000);
  }

  TEST_CASE("a window is given back in halves, not for each event") {
    Agent client;
    client.greet();
    client.ask();
    client.fill_all();
    client.feed(answer(1));
    std::size_t updates = 0;
    std::uint32_t given = 0;
    for (int i = 0; i < 1'000; ++i) {
      client.feed(data(1, std::string(200, 'x')));
      for (const Frame& frame : only(NGHTTP2_WINDOW_UPDATE, client.frames())) {
        CHECK(frame.stream == 1);  // The connection's is far from its half.
        given += frame.number(0);
        ++updates;
      }
    }
    CHECK(updates == 200'000 / (kWindow / 2));
    CHECK(given > 190'000);
  }

  TEST_CASE("what came for a call that was cancelled is paid for by the connection") {
    Agent client({.connection_window = 128_KiB});
    client.greet();
    std::uint32_t given = 0;
    const auto flush = [&] {
      for (const Frame& f : only(NGHTTP2_WINDOW_UPDATE, client.frames())) {
        if (f.stream == 0) given += f.number(0);
      }
    };
    for (std::int32_t id = 1; id < 40; id += 2) {
      Asker& asker = client.ask();
      asker.consumes = false;
      flush();
      client.feed(answer(id) + data(id, std::string(8'000, 'x')));
      asker.call->cancel();
      // On its way before the server heard of it; in two pieces around the RST_STREAM, too.
      const std::string late = data(id, std::string(8'000, 'x'));
      client.feed(late.substr(0, 4'000));
      flush();
      client.feed(late.substr(4'000) + late);
    }
    flush();
    CHECK(client.session->open_calls() == 0);
    CHECK(given >= 20 * 24'000 - 64_KiB);
    CHECK_FALSE(client.session->is_spent());
  }

  TEST_CASE("a server that overruns a window is cut off there") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    asker.consumes = false;
    client.fill_all();
    client.feed(answer(1));
    for (int i = 0; i < 5; ++i) client.feed(data(1, std::string(16'000, 'x')));
    CHECK(asker.body.size() <= kWindow);
    client.fill_all();
    CHECK(asker.failed(http::CallError::malformed));
  }

  TEST_CASE("an upload waits for the server's window, and is not asked for more meanwhile") {
    Link link({}, {.stream_window = 16_KiB});
    link.server.service.on_open = [](Talk& talk) { talk.consumes = false; };
    Asker& asker = link.client.post();
    asker.upload(std::string(100'000, 'x'), true);
    link.settle();
    CHECK(asker.taken == 16_KiB);
    std::size_t consumed = 0;
    while (!link.talk(0).is_request_over) {
      const std::size_t n = link.talk(0).received.size() - consumed;
      REQUIRE(n <= 16_KiB);
      REQUIRE(n != 0);
      link.talk(0).exchange->consume(n);
      consumed += n;
      link.settle();
    }
    CHECK(link.talk(0).received == std::string(100'000, 'x'));
  }

  TEST_CASE("uploads share the connection") {
    Agent client;
    client.greet();
    Asker& a = client.post();
    Asker& b = client.post();
    a.upload(std::string(60'000, 'a'));
    b.upload(std::string(60'000, 'b'));
    client.fill_all();  // The server's first window is 64 KiB less one, for both together.
    CHECK(a.taken + b.taken == 65'535);
    CHECK(a.taken > 20'000);
    CHECK(b.taken > 20'000);
  }

  TEST_CASE("a turn's bytes are bounded, and the rest comes in the next") {
    Link link;
    Asker& asker = link.client.post();
    asker.upload(std::string(60'000, 'x'));
    const std::string wire = link.client.fill();
    CHECK(link.client.has_more);
    CHECK(wire.size() < 2 * OutBuffer::kTarget + 100);
    link.server.feed(wire);
    link.settle();
    CHECK(link.talk(0).received.size() == 60'000);
  }
}

}  // namespace
}  // namespace sluice::h2
