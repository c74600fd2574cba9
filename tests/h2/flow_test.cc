#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "tests/h2/client.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.

/// Text in which every place is different, so that a lost or repeated byte shows.
std::string story(const std::string& name, std::size_t size) {
  std::string text;
  for (std::size_t line = 0; text.size() < size; ++line) {
    text += name + ":" + std::to_string(line) + "\n";
  }
  text.resize(size);
  return text;
}

std::size_t payload_of(const std::vector<Frame>& frames, std::int32_t stream) {
  std::size_t size = 0;
  for (const Frame& frame : frames) size += frame.stream == stream ? frame.payload.size() : 0;
  return size;
}

TEST_SUITE("h2 flow of answers") {
  TEST_CASE("a full record loses nothing and repeats nothing, whatever the sizes") {
    for (const std::size_t cap : {std::size_t{4096}, std::size_t{16384}, std::size_t{1000}}) {
      Options options;
      options.data_frame_cap = cap;
      Pair pair(options);
      constexpr int kStreams = 40;
      for (int i = 0; i < kStreams; ++i) pair.client.ask(get("/" + std::to_string(i)));
      pair.settle();
      for (const auto& talk : pair.server.service.talks) {
        const std::size_t n = static_cast<std::size_t>(std::stoi(talk->request.path.substr(1)));
        talk->say(story(talk->request.path, 1 + n * n * 137));
        talk->ends = true;
      }
      int fills = 0;
      do {
        pair.client.feed(pair.server.fill());
        CHECK(pair.server.out.size() <= OutBuffer::kTarget);
        ++fills;
        if (!pair.server.has_more) pair.settle();
      } while (pair.server.has_more);
      CHECK(fills > 100);
      for (std::size_t i = 0; i < kStreams; ++i) {
        Client::Reply& reply = pair.reply(static_cast<std::int32_t>(2 * i + 1));
        CHECK(reply.body == story("/" + std::to_string(i), 1 + i * i * 137));
        CHECK(reply.is_closed);
      }
      CHECK_FALSE(pair.client.is_broken);
    }
  }

  TEST_CASE("a flush packs everything into one record") {
    Pair pair;
    for (int i = 0; i < 100; ++i) pair.client.ask(get());
    pair.settle();
    for (const auto& talk : pair.server.service.talks) talk->say("data: 1\n\ndata: 2\n\n");
    const auto frames = only(NGHTTP2_DATA, parse(pair.server.fill()));
    CHECK(frames.size() == 100);
    CHECK_FALSE(pair.server.has_more);
  }

  TEST_CASE("records are filled to the brim while there is something to send") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.has_endless = true;
      talk.ok();
    };
    pair.client.ask(get());
    pair.server.feed(pair.client.take());
    for (int i = 0; i < 20; ++i) {
      pair.server.fill();
      CHECK(pair.server.has_more);
      CHECK(pair.server.out.size() > OutBuffer::kTarget - 9 - 256);
    }
  }

  TEST_CASE("a quiet stream waits for one frame of a busy one, not for all of them") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.has_endless = talk.request.path == "/busy";
      talk.ok();
    };
    // Firefox marks an EventSource as not incremental: it must not matter.
    Fields busy = get("/busy");
    busy.emplace_back("priority", "u=0");
    Fields quiet = get("/quiet");
    quiet.emplace_back("priority", "u=4");
    pair.client.ask(busy);
    pair.server.feed(pair.client.take());
    pair.server.fill();
    pair.client.ask(quiet);
    pair.server.feed(pair.client.take());
    pair.server.fill();
    for (int i = 0; i < 50; ++i) {
      pair.server.service.last().say("data: x\n\n");
      const auto frames = only(NGHTTP2_DATA, parse(pair.server.fill()));
      const auto at = std::find_if(frames.begin(), frames.end(),
                                   [](const Frame& frame) { return frame.stream == 3; });
      REQUIRE(at != frames.end());
      CHECK(at - frames.begin() <= 2);
    }
  }

  TEST_CASE("two busy streams share the connection evenly") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.has_endless = true;
      talk.ok();
    };
    pair.client.ask(get());
    pair.client.ask(get());
    pair.server.feed(pair.client.take());
    std::vector<Frame> frames;
    for (int i = 0; i < 30; ++i) {
      for (Frame& frame : parse(pair.server.fill())) frames.push_back(std::move(frame));
    }
    const auto data_frames = only(NGHTTP2_DATA, frames);
    const double first = static_cast<double>(payload_of(data_frames, 1));
    const double second = static_cast<double>(payload_of(data_frames, 3));
    CHECK(first / second == doctest::Approx(1.0).epsilon(0.1));
  }

  TEST_CASE("a stream whose window is shut stalls alone, and goes on where it stopped") {
    Pair pair({}, 1000, true);
    const auto shut = pair.client.ask(get());
    const auto open = pair.client.ask(get());
    pair.settle();
    const std::string text = story("event", 5000);
    pair.server.service.talks[0]->say(text);
    pair.server.service.talks[1]->say("data: 1\n\n");
    pair.settle();
    CHECK(pair.reply(shut).body == text.substr(0, 1000));
    CHECK(pair.server.service.talks[0]->taken == 1000);
    pair.server.service.talks[1]->say("data: 2\n\n");
    pair.settle();
    CHECK(pair.reply(open).body == "data: 1\n\ndata: 2\n\n");
    for (int i = 0; i < 4; ++i) {
      pair.client.consume(shut, 1000);
      pair.settle();
    }
    CHECK(pair.reply(shut).body == text);
  }

  TEST_CASE("a stream whose window stays shut is reset alone after the limit") {
    Pair pair({}, 1000, true);
    const auto shut = pair.client.ask(get());
    const auto open = pair.client.ask(get());
    pair.settle();
    pair.server.service.talks[0]->say(story("event", 5000));
    pair.settle();
    for (int i = 0; i < 5; ++i) {
      pair.server.pass(std::chrono::seconds(10));
      pair.settle();
    }
    CHECK_FALSE(pair.reply(shut).is_closed);
    pair.server.pass(std::chrono::seconds(20));
    pair.settle();
    CHECK(pair.reply(shut).is_closed);
    CHECK(pair.reply(shut).code == NGHTTP2_CANCEL);
    CHECK(pair.server.service.talks[0]->is_gone);
    CHECK(pair.server.counters.stalled_streams.value() == 1);
    CHECK(pair.server.counters.provoked_resets.value() == 0);
    CHECK_FALSE(pair.reply(open).is_closed);
    pair.server.service.talks[1]->say("data: 1\n\n");
    pair.settle();
    CHECK(pair.reply(open).body == "data: 1\n\n");
  }

  TEST_CASE("a stream that used up its window exactly and has no more to say is not stalled") {
    Pair pair({}, 1000, true);
    const auto id = pair.client.ask(get());
    pair.settle();
    pair.server.service.last().say(story("event", 1000));
    pair.settle();
    CHECK(pair.reply(id).body.size() == 1000);
    for (int i = 0; i < 20; ++i) {
      pair.server.pass(std::chrono::seconds(10));
      pair.settle();
    }
    CHECK_FALSE(pair.reply(id).is_closed);
    CHECK(pair.server.counters.stalled_streams.value() == 0);
  }

  TEST_CASE("PING is acknowledged before everything that waits") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.has_endless = true;
      talk.ok();
    };
    for (int i = 0; i < 100; ++i) pair.client.ask(get());
    pair.server.feed(pair.client.take());
    pair.server.fill();
    pair.server.fill();
    REQUIRE(pair.server.has_more);
    pair.client.ping();
    pair.server.feed(pair.client.take());
    const auto frames = parse(pair.server.fill());
    REQUIRE_FALSE(frames.empty());
    CHECK(frames.front().type == NGHTTP2_PING);
    CHECK((frames.front().flags & NGHTTP2_FLAG_ACK) != 0);
  }

  TEST_CASE("an answer that wakes itself while it is asked is asked again") {
    struct Waking final : http::Answer {
      explicit Waking(http::Exchange& e) : exchange(e) {}
      void on_body(std::string_view) override {}
      void on_body_end() override {}
      Ready ready(std::size_t) override {
        if (asked++ > 0) return {.bytes = 0, .last = true};
        exchange.wake();
        return {};
      }
      void take(std::span<std::byte>) override {}
      http::Exchange& exchange;
      int asked = 0;
    };
    struct Service final : http::Service {
      std::unique_ptr<http::Answer> open(const http::Request&, http::Exchange& e) override {
        e.respond({.status = 200, .headers = {}}, http::Kind::finite);
        return std::make_unique<Waking>(e);
      }
    };
    Server server;
    Service service;
    Session session(server.transport, service, {}, server.setting());
    session.feed(bytes_of(preface() + headers(1, get(), NGHTTP2_FLAG_END_STREAM)));
    session.fill(server.out);
    const std::string wire(reinterpret_cast<const char*>(server.out.bytes().data()),
                           server.out.size());
    REQUIRE(only(NGHTTP2_DATA, parse(wire)).size() == 1);
    CHECK((only(NGHTTP2_DATA, parse(wire)).front().flags & NGHTTP2_FLAG_END_STREAM) != 0);
  }

  TEST_CASE("a large head that does not fit the record is sent in full") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 200, .headers = {{"x-large", std::string(40'000, 'x')}}},
                             http::Kind::finite);
      talk.pending = "body";
      talk.ends = true;
    };
    const auto id = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(id).headers["x-large"].size() == 40'000);
    CHECK(pair.reply(id).body == "body");
  }

  TEST_CASE("a head too large for HTTP/2 resets its stream, at nobody's cost but ours") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 200, .headers = {{"x-large", std::string(70'000, 'x')}}},
                             http::Kind::finite);
    };
    const auto id = pair.client.ask(get());
    pair.settle();
    CHECK(pair.reply(id).code == NGHTTP2_INTERNAL_ERROR);
    CHECK(pair.server.service.last().is_gone);
    CHECK(pair.server.counters.provoked_resets.value() == 0);
  }
}

TEST_SUITE("h2 flow of request bodies") {
  TEST_CASE("a body arrives whole and in order") {
    Pair pair;
    const std::string text = story("body", 3'000'000);
    const auto id = pair.client.ask(get("/", "POST"), text);
    pair.settle();
    CHECK(pair.server.service.last().request.has_body);
    CHECK(pair.server.service.last().received == text);
    CHECK(pair.server.service.last().is_request_over);
    CHECK(pair.reply(id).status == 200);
  }

  TEST_CASE("a body that nobody consumes stops at the window, and goes on when it is consumed") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) { talk.consumes = false; };
    const std::string text = story("body", 200'000);
    const auto id = pair.client.ask(get("/", "POST"), text);
    pair.settle();
    Talk& talk = pair.server.service.last();
    CHECK(talk.received.size() == 65'536);
    CHECK(pair.client.uploaded(id) == 65'536);
    for (std::size_t consumed = 0; talk.received.size() < text.size();) {
      const std::size_t before = talk.received.size();
      talk.exchange->consume(before - std::exchange(consumed, before));
      pair.settle();
      REQUIRE(talk.received.size() > before);
    }
    CHECK(talk.received == text);
  }

  TEST_CASE("a stream that ends with unconsumed bytes gives them back to the connection") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) { talk.consumes = false; };
    // 100 times 64 KiB is more than six times the connection's window.
    for (int i = 0; i < 100; ++i) {
      const auto id = pair.client.ask(get("/", "POST"), std::string(100'000, 'x'));
      pair.settle();
      REQUIRE(pair.server.service.last().received.size() == 65'536);
      if (i % 3 == 0) {
        pair.client.reset(id);
      } else if (i % 3 == 1) {
        pair.server.service.last().exchange->abort();
      } else {
        pair.server.service.last().ends = true;
        pair.server.service.last().ok(http::Kind::finite);
      }
      pair.settle();
      REQUIRE(pair.server.service.last().is_gone);
      // An answer alone does not close a stream whose request goes on.
      REQUIRE(pair.reply(id).is_closed == (i % 3 != 2));
    }
    CHECK_FALSE(pair.server.session.is_finished());
  }

  TEST_CASE("bytes for an exchange that was aborted do not use up the connection") {
    Server server;
    greet(server);
    server.service.on_open = [](Talk& talk) { talk.consumes = false; };
    for (std::int32_t id = 1; id < 400; id += 2) {
      server.feed(headers(id, get("/", "POST")));
      server.service.last().exchange->abort();
      for (int i = 0; i < 4; ++i) server.feed(data(id, std::string(16'000, 'x')));
      server.fill_all();
    }
    CHECK_FALSE(server.session.is_finished());
    server.service.on_open = [](Talk&) {};
    server.feed(headers(401, get("/", "POST")));
    server.feed(data(401, "still"));
    CHECK(server.service.last().received == "still");
  }

  TEST_CASE("an answer that is complete before its request leaves the client time to end it") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 413, .headers = {}}, http::Kind::finite, 0);
    };
    const auto id = pair.client.ask(get("/", "POST"), "begin", false);
    pair.settle();
    CHECK(pair.reply(id).status == 413);
    CHECK(pair.server.service.last().is_gone);
    CHECK_FALSE(pair.reply(id).is_closed);  // A reset now would cost some clients the answer.
    pair.client.upload(id, "end", true);
    pair.settle();
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
  }

  TEST_CASE("a body that nobody wants gets no window, and in the end a reset without an error") {
    Pair pair;
    pair.server.service.on_open = [](Talk& talk) {
      talk.exchange->respond({.status = 413, .headers = {}}, http::Kind::finite, 0);
    };
    const auto id = pair.client.ask(get("/", "POST"), std::string(200'000, 'x'), false);
    pair.settle();
    CHECK(pair.server.service.last().received.size() <= 64 * 1024);
    for (int i = 0; i < 8 && !pair.reply(id).is_closed; ++i) {
      pair.server.pass(pair.server.options.body_timeout / 2);
      pair.settle();
    }
    CHECK(pair.reply(id).is_closed);
    CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
    CHECK(pair.server.counters.provoked_resets.value() == 0);
  }

  TEST_CASE("an answer may stream while its request still does") {
    Pair pair;
    const auto id = pair.client.ask(get("/", "POST"), "one ", false);
    pair.settle();
    pair.server.service.last().say("ack 1\n");
    pair.client.upload(id, "two", true);
    pair.settle();
    pair.server.service.last().say("ack 2\n");
    pair.server.service.last().finish();
    pair.settle();
    CHECK(pair.server.service.last().received == "one two");
    CHECK(pair.reply(id).body == "ack 1\nack 2\n");
    CHECK(pair.reply(id).code == NGHTTP2_NO_ERROR);
  }
}

}  // namespace
}  // namespace sluice::h2
