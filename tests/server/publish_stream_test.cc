#include "gateway/server/publish_stream.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/publish_fakes.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct World {
  World() {
    config.heartbeat = {.interval = seconds(15), .jitter = milliseconds(0)};
    config.publish.ack_interval = milliseconds(250);
  }
  /// Opens a stream to topic "t". What the test chose in `config` and `job` holds.
  void open() {
    loop.turn(false);
    shared = std::make_unique<Shared>(config, clock, journal);
    shared->is_behind = [this] { return is_behind; };
    setting = std::make_unique<PublishSetting>(
        PublishSetting{.shared = *shared,
                       .loop = loop,
                       .counters = counters,
                       .streams = streams,
                       .post = [](const std::function<void()>& task) { task(); }});
    job.common.topics = {"t"};
    job.rules.epoch = journal.epoch();
    job.publisher.name = "p";
    if (job.publisher.grants.empty()) job.publisher.grants.emplace_back("*");
    stream = std::make_unique<PublishStream>(*setting, std::move(job), exchange);
  }
  void send(std::string_view text) {
    sent += text.size();
    stream->on_body(text);
  }
  /// What the publisher reads now; "$" where the answer ends.
  std::string read() {
    std::string all;
    for (;;) {
      const http::Answer::Ready ready = stream->ready(1000);
      std::string bytes(ready.bytes, '\0');
      if (ready.bytes > 0) stream->take(std::as_writable_bytes(std::span(bytes)));
      all += bytes;
      if (ready.last) return all + "$";
      if (ready.bytes == 0) return all;
    }
  }
  void pass(Duration time) {
    clock.advance(time);
    loop.turn(false);
    loop.turn(false);
  }
  /// The data of each appended group, as "a b|c".
  [[nodiscard]] std::string groups() const {
    std::string text;
    for (const auto& group : journal.groups) {
      if (!text.empty()) text += '|';
      for (const sse::Draft& draft : group)
        text += (&draft == group.data() ? "" : " ") + draft.data;
    }
    return text;
  }

  Config config;
  ManualClock clock;
  net::Loop loop{clock};
  FakeJournal journal;
  Counters counters;
  PublishStreams streams;
  bool is_behind = false;
  PublishStream::Job job;
  std::unique_ptr<Shared> shared;
  std::unique_ptr<PublishSetting> setting;
  FakeExchange exchange;
  std::unique_ptr<PublishStream> stream;
  std::size_t sent = 0;
};

TEST_SUITE("a publishing stream") {
  TEST_CASE("begins with a comment, acknowledges, and ends with an acknowledgement of everything") {
    World world;
    world.open();
    CHECK(world.exchange.head.status == 200);
    CHECK(world.read() == ":\n");
    world.send("data: a\n\nid: own\ndata: bc\n\n");
    CHECK(world.read() ==
          "id: own\nevent: ack\ndata: {\"events\":2,\"bytes\":3,\"id\":\"own\"}\n\n");
    world.stream->on_body_end();
    CHECK(world.read() ==
          "id: own\nevent: ack\ndata: {\"events\":2,\"bytes\":3,\"id\":\"own\"}\n\n$");
    CHECK(world.exchange.consumed == world.sent);
    CHECK(world.counters.stream_events.value() == 2);
    CHECK(world.counters.published.value() == 1);
  }

  TEST_CASE("without events has an acknowledgement of none") {
    World world;
    world.open();
    world.stream->on_body_end();
    CHECK(world.read() == ":\nevent: ack\ndata: {\"events\":0,\"bytes\":0,\"id\":\"\"}\n\n$");
  }

  TEST_CASE("acknowledges no oftener than it should, and then the newest") {
    World world;
    world.open();
    world.send("data: a\n\n");
    CHECK(world.read().find("\"events\":1,") != std::string::npos);
    world.send("data: b\n\n");
    world.send("data: c\n\n");
    CHECK(world.read().empty());
    world.pass(milliseconds(200));
    CHECK(world.read().empty());
    world.pass(milliseconds(150));
    CHECK(world.read().find("\"events\":3,") != std::string::npos);
    world.pass(seconds(10));
    CHECK(world.read().empty());
  }

  TEST_CASE("acknowledges only at the end to a publisher that wants little") {
    World world;
    world.job.wants_acks = false;
    world.open();
    world.read();
    world.send("data: a\n\n");
    world.pass(seconds(60));
    CHECK(world.read().empty());
    world.stream->on_body_end();
    CHECK(world.read().find("\"events\":1,") != std::string::npos);
  }

  TEST_CASE("does not pile up acknowledgements that nobody reads") {
    World world;
    world.open();
    for (int i = 0; i < 100; ++i) {
      world.send("data: a\n\n");
      world.pass(seconds(1));
    }
    CHECK(world.stream->ready(1'000'000).bytes < 150);
  }

  TEST_CASE("sends heartbeats while it is silent") {
    World world;
    world.open();
    world.read();
    world.pass(seconds(16));
    CHECK(world.read() == ":\n");
    world.pass(seconds(16));
    CHECK(world.read() == ":\n");
  }

  TEST_CASE("collects what comes while a group is appended, and appends it together") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.send("data: a\n\n");
    world.send("data: b\n\ndata: c\n\n");
    world.send("data: d\n\n");
    CHECK(world.groups() == "a");
    world.journal.answer();
    CHECK(world.groups() == "a|b c d");
    world.journal.answer();
    world.stream->on_body_end();
    CHECK(world.read().find("\"events\":4,") != std::string::npos);
  }

  TEST_CASE("leaves bytes in the publisher's window when it has no room for more") {
    World world;
    world.journal.is_prompt = false;
    world.config.publish.stream_group_events = 2;
    world.open();
    for (const char* event : {"data: a\n\n", "data: b\n\n", "data: c\n\n", "data: d\n\n"}) {
      world.send(event);
    }
    CHECK(world.sent - world.exchange.consumed == 9);  // "d"
    world.journal.answer();
    CHECK(world.exchange.consumed == world.sent);
    CHECK(world.groups() == "a|b c");
    world.journal.answer();
    CHECK(world.groups() == "a|b c|d");
  }

  TEST_CASE("has room for so many bytes") {
    World world;
    world.journal.is_prompt = false;
    world.config.publish.stream_pending_bytes = 20'000;
    world.open();
    const std::string event = "data: " + std::string(15'000, 'x') + "\n\n";
    for (int i = 0; i < 4; ++i) world.send(event);
    CHECK(world.sent - world.exchange.consumed == event.size());
  }

  TEST_CASE("gives the bytes of an unfinished event back: a large one must get through") {
    World world;
    world.open();
    world.send("data: " + std::string(100'000, 'x'));
    CHECK(world.exchange.consumed == world.sent);
  }

  TEST_CASE("waits while the workers are behind") {
    World world;
    world.is_behind = true;
    world.open();
    world.send("data: a\n\n");
    world.stream->on_body_end();
    world.pass(seconds(1));
    CHECK(world.journal.groups.empty());
    CHECK(world.counters.publish_waiting.value() == 1);
    world.is_behind = false;
    world.pass(milliseconds(120));
    CHECK(world.groups() == "a");
    CHECK(world.counters.publish_waiting.value() == 0);
    CHECK(world.read().ends_with("$"));
  }

  TEST_CASE("tries again when the journal is too busy, and loses nothing") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.send("data: a\n\ndata: b\n\n");
    world.journal.refuse(Errc::limit);
    world.send("data: c\n\n");
    CHECK(world.groups() == "a b");
    world.pass(milliseconds(120));
    CHECK(world.groups() == "a b|a b");
    world.journal.answer();
    CHECK(world.groups() == "a b|a b|c");
  }

  TEST_CASE("is as fast as its publisher may be") {
    World world;
    world.config.publish.rate = {.per_second = 10, .burst = 2};
    world.open();
    world.send("data: a\n\ndata: b\n\ndata: c\n\ndata: d\n\n");
    CHECK(world.groups() == "a b");
    world.pass(milliseconds(110));
    CHECK(world.groups() == "a b|c");
    world.pass(milliseconds(110));
    CHECK(world.groups() == "a b|c|d");
  }

  TEST_CASE("appends and acknowledges what stood before an event that breaks a rule") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.read();
    world.send("data: a\n\ndata: b\n\nid: #\ndata: c\n\ndata: d\n\n");
    CHECK(world.read().empty());
    world.journal.answer();
    CHECK(world.groups() == "a b");
    const std::string answer = world.read();
    CHECK(answer.find("data: {\"events\":2,\"bytes\":2,\"id\":\"e-2\"}\n\n") != std::string::npos);
    CHECK(
        answer.ends_with("event: error\ndata: {\"event\":3,\"status\":400,"
                         "\"message\":\"id must not begin with '#'\"}\n\n$"));
    world.send("data: e\n\n");
    CHECK(world.exchange.consumed == world.sent);
    CHECK(world.groups() == "a b");
  }

  TEST_CASE("needs a grant for every topic of every event") {
    World world;
    world.job.publisher.grants.emplace_back("t");
    world.open();
    world.send("data: a\n\ntopic: t\ntopic: u\ndata: b\n\n");
    CHECK(world.groups() == "a");
    CHECK(world.read().find("{\"event\":2,\"status\":403,") != std::string::npos);
  }

  TEST_CASE("tells an event that is too large, and one that is cut off by the end") {
    World large;
    large.config.access.max_body_bytes = 100;
    large.open();
    large.send("data: " + std::string(100, 'x') + "\n\n");
    CHECK(large.read().find("{\"event\":1,\"status\":413,") != std::string::npos);

    World half;
    half.open();
    half.send("data: a\n\ndata: b\n");
    half.stream->on_body_end();
    CHECK(half.groups() == "a");
    CHECK(half.read().find("{\"event\":2,\"status\":400,") != std::string::npos);
  }

  TEST_CASE("ends with 503 when the journal cannot keep events") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.send("data: a\n\n");
    world.journal.answer();
    world.send("data: b\n\n");
    world.send("data: c\n\n");
    world.journal.refuse(Errc::io);
    CHECK(world.groups() == "a|b");
    const std::string answer = world.read();
    CHECK(answer.find("{\"event\":2,\"status\":503,") != std::string::npos);
    CHECK(answer.ends_with("$"));
  }

  TEST_CASE("ends with its token") {
    World world;
    world.job.publisher.expires = world.clock.now() + seconds(30);
    world.open();
    world.send("data: a\n\n");
    world.pass(seconds(29));
    CHECK_FALSE(world.read().ends_with("$"));
    world.pass(seconds(2));
    const std::string answer = world.read();
    CHECK(answer.find("\"events\":1,") != std::string::npos);
    CHECK(answer.find("{\"event\":2,\"status\":401,") != std::string::npos);
    CHECK(answer.ends_with("$"));
  }

  TEST_CASE("ends when its token is revoked") {
    World world;
    world.job.publisher.subject = "s";
    world.open();
    world.send("data: a\n\n");
    CHECK(world.stream->subject() == "s");
    world.stream->revoke();
    CHECK(world.read().find("{\"event\":2,\"status\":401,") != std::string::npos);
  }

  TEST_CASE("ends when nothing comes for too long, unless it is us who are slow") {
    World world;
    world.config.publish.stream_idle = seconds(60);
    world.open();
    world.pass(seconds(50));
    world.send(":\n");
    world.pass(seconds(50));
    world.is_behind = true;
    world.send("data: a\n\n");
    for (int i = 0; i < 100; ++i) world.pass(seconds(1));
    CHECK_FALSE(world.read().ends_with("$"));
    world.is_behind = false;
    world.pass(seconds(1));
    world.pass(seconds(62));
    CHECK(world.read().find("{\"event\":2,\"status\":408,") != std::string::npos);
  }

  TEST_CASE("that is drained acknowledges what it took, and says when to come back") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.read();
    world.send("data: a\n\n");
    world.send("data: b\n\n");
    world.stream->end(milliseconds(2345));
    CHECK(world.read().empty());
    world.journal.answer();
    world.journal.answer();
    CHECK(world.groups() == "a|b");
    CHECK(world.read().ends_with("{\"events\":2,\"bytes\":2,\"id\":\"e-2\"}\n\nretry: 2345\n$"));
  }

  TEST_CASE("that is drained does not wait for its rate") {
    World world;
    world.config.publish.rate = {.per_second = 1, .burst = 1};
    world.open();
    world.send("data: a\n\ndata: b\n\n");
    world.stream->end(milliseconds(2345));
    CHECK(world.groups() == "a");
    CHECK(world.read().ends_with("$"));
  }

  TEST_CASE("whose publisher vanishes leaves no whole event behind, and no half one") {
    World world;
    world.journal.is_prompt = false;
    world.open();
    world.send("data: a\n\n");
    world.send("data: b\n\ndata: c\n\ndata: ha");
    world.stream.reset();
    world.journal.answer();
    CHECK(world.groups() == "a|b c");
    CHECK(world.counters.publish_streams.value() == 0);
  }

  TEST_CASE("counts what an earlier event stands for") {
    World world;
    world.job.publisher.subject = "s";
    world.job.publisher.idempotency_key = "k";
    world.open();
    world.send("data: a\n\ndata: again\n\n");
    CHECK(world.read().find("\"repeats\":1") != std::string::npos);
    CHECK(world.counters.stream_events.value() == 1);
    CHECK(world.counters.publish_repeats.value() == 1);
    REQUIRE(world.journal.groups.front().size() == 2);
    CHECK(world.journal.groups.front()[0].once == "key 1:s 0 k");
    CHECK(world.journal.groups.front()[1].once == "key 1:s 1 k");
  }

  TEST_CASE("may begin late, but soon") {
    World world;
    world.job.begins_late = true;
    world.open();
    CHECK(world.exchange.head.status == 0);
    world.pass(milliseconds(100));
    CHECK(world.exchange.head.status == 200);
  }
}

}  // namespace
}  // namespace sluice::server
