#include "gateway/server/publish_answer.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/server/publish_fakes.h"

namespace sluice::server {
namespace {

using std::chrono::milliseconds;

/// One request of a publisher who may publish to "t" and "u"; each letter of its body is an event
/// with that letter as its data, and "#" breaks a rule.
struct World {
  World() {
    job.publisher = {.name = "p", .subject = "s"};
    job.publisher.grants.emplace_back("t");
    job.publisher.grants.emplace_back("u");
    job.read = [this](const std::string& body) -> Result<std::vector<sse::Draft>> {
      std::vector<sse::Draft> drafts;
      for (const char c : body) {
        if (c == '#') return fail(Errc::invalid, "a rule is broken");
        drafts.push_back({.topics = {topic}, .data = c == '=' ? "again" : std::string(1, c)});
      }
      return drafts;
    };
  }
  /// The body of the answer.
  std::string post(std::string_view body) {
    answer.reset();  // It holds room of what is shared.
    shared = std::make_unique<Shared>(config, clock, journal);
    return post_again(body);
  }
  std::string post_again(std::string_view body) {
    answer.reset();
    setting = std::make_unique<PublishSetting>(
        PublishSetting{.shared = *shared,
                       .loop = loop,
                       .counters = counters,
                       .streams = streams,
                       .post = [](const std::function<void()>& task) { task(); }});
    exchange.head = {.status = 0, .headers = {}};
    answer = std::make_unique<PublishAnswer>(*setting, job, exchange);
    answer->on_body(body);
    answer->on_body_end();
    return read();
  }
  std::string read() {
    std::string bytes(answer->ready(10'000).bytes, '\0');
    if (!bytes.empty()) answer->take(std::as_writable_bytes(std::span(bytes)));
    return bytes;
  }
  [[nodiscard]] std::string header(std::string_view name) const {
    const std::string* value = exchange.head.headers.find(name);
    return value == nullptr ? "" : *value;
  }

  Config config;
  ManualClock clock;
  net::Loop loop{clock};
  FakeJournal journal;
  Counters counters;
  PublishStreams streams;
  std::string topic = "t";
  PublishAnswer::Job job;
  std::unique_ptr<Shared> shared;
  std::unique_ptr<PublishSetting> setting;
  FakeExchange exchange;
  std::unique_ptr<PublishAnswer> answer;
};

TEST_SUITE("a publish request") {
  TEST_CASE("is answered with the id when the event has its place, not before") {
    World world;
    world.journal.is_prompt = false;
    CHECK(world.post("a").empty());
    CHECK(world.exchange.head.status == 0);
    world.journal.answer();
    CHECK(world.exchange.head.status == 200);
    CHECK(world.read() == "e-1");
    CHECK(world.header("content-type") == "text/plain; charset=utf-8");
    CHECK(world.counters.single_events.value() == 1);
  }

  TEST_CASE("of many events is answered with all ids") {
    World world;
    world.job.is_batch = true;
    CHECK(world.post("abc") == "{\"ids\":[\"e-1\",\"e-2\",\"e-3\"]}\n");
    CHECK(world.header("content-type") == "application/json");
    CHECK(world.journal.groups.size() == 1);
    CHECK(world.counters.batch_events.value() == 3);
  }

  TEST_CASE("publishes nothing when a rule is broken or a topic is not granted") {
    World world;
    CHECK(world.post("ab#") == "a rule is broken\n");
    CHECK(world.exchange.head.status == 400);
    world.topic = "other";
    CHECK(world.post("ab").starts_with("event 1: the token does not allow"));
    CHECK(world.exchange.head.status == 403);
    CHECK(world.journal.groups.empty());
  }

  TEST_CASE("publishes nothing when its token has become worthless before the body is complete") {
    World world;
    world.job.challenge = "Bearer";
    world.job.publisher.issued = world.clock.wall() - std::chrono::hours(1);
    world.job.publisher.expires = world.clock.now() + milliseconds(10'000);
    world.post("a");
    CHECK(world.exchange.head.status == 200);

    world.answer = std::make_unique<PublishAnswer>(*world.setting, world.job, world.exchange);
    world.answer->on_body("b");
    world.shared->subjects.revoke("s", world.clock.wall());
    world.answer->on_body_end();
    CHECK(world.read() == "the token has been revoked\n");
    CHECK(world.exchange.head.status == 401);
    CHECK(world.header("www-authenticate") == "Bearer error=\"invalid_token\"");
    CHECK(world.counters.publish_rejected.value() == 1);

    world.job.publisher.subject = "another";
    world.answer = std::make_unique<PublishAnswer>(*world.setting, world.job, world.exchange);
    world.clock.advance(milliseconds(10'000));
    world.loop.turn(false);
    world.answer->on_body_end();
    CHECK(world.read() == "the token has expired\n");
    CHECK(world.journal.groups.size() == 1);
  }

  TEST_CASE("that is too large is refused before it is complete") {
    World world;
    world.config.access.max_body_bytes = 10;
    world.post("a");
    world.answer = std::make_unique<PublishAnswer>(*world.setting, world.job, world.exchange);
    world.answer->on_body("0123456789");
    CHECK(world.read().empty());
    world.answer->on_body("x");
    CHECK(world.exchange.head.status == 413);
  }

  TEST_CASE("that was made before has the first answer, and says so") {
    World world;
    world.job.publisher.idempotency_key = "key";
    CHECK(world.post("=") == "e-1");
    CHECK(world.header("idempotent-replayed") == "true");
    CHECK(world.counters.publish_repeats.value() == 1);
    CHECK(world.counters.single_events.value() == 0);

    world.job.is_batch = true;
    world.post_again("a=");
    CHECK(world.header("idempotent-replayed").empty());
  }

  TEST_CASE("gives each event what tells it from others") {
    World world;
    world.job.publisher.idempotency_key = "key";
    world.post("ab");
    CHECK(world.journal.groups[0][0].once == "key 1:s 0 key");
    CHECK(world.journal.groups[0][1].once == "key 1:s 1 key");

    const Publisher publisher{.name = "p", .subject = "s"};
    sse::Draft own{.topics = {"t", "u"}, .data = "", .id = "7"};
    publisher.make_unique(own, 3);
    CHECK(own.once == "id 1:s 1:t 7");
    sse::Draft plain{.topics = {"t"}, .data = ""};
    publisher.make_unique(plain, 3);
    CHECK(plain.once.empty());
  }

  TEST_CASE("faster than the publisher may be is told when to try again") {
    World world;
    world.config.publish.rate = {.per_second = 2, .burst = 3};
    world.post("abc");
    CHECK(world.exchange.head.status == 200);
    CHECK(world.post_again("abc") == "this token publishes too fast; try again in 2 s\n");
    CHECK(world.exchange.head.status == 429);
    CHECK(world.header("retry-after") == "2");
    CHECK(world.counters.publish_limited.value() == 1);
    world.clock.advance(milliseconds(2'000));
    world.loop.turn(false);
    world.post_again("abc");
    CHECK(world.exchange.head.status == 200);
  }

  TEST_CASE("that cannot be kept is 503") {
    World world;
    world.journal.is_prompt = false;
    world.post("a");
    world.journal.refuse(Errc::io);
    CHECK(world.read() == "nothing was kept: the disk is full; try again in 1 s\n");
    CHECK(world.exchange.head.status == 503);
    CHECK(world.header("retry-after") == "1");
  }

  TEST_CASE("whose client has left is published all the same") {
    World world;
    world.journal.is_prompt = false;
    world.post("a");
    world.answer.reset();
    world.journal.answer();
    CHECK(world.journal.groups.size() == 1);
  }
}

}  // namespace
}  // namespace sluice::server
