#include <doctest/doctest.h>

#include "tests/gateway_relay/share_world.h"

namespace sluice::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A route that shares; without jitter or heartbeats in the way.
RouteOptions shared(LateJoiner late = LateJoiner::none, SlowReader slow = SlowReader::replay) {
  RouteOptions options;
  options.name = "shared";
  options.path = "/*";
  options.heartbeat = HeartbeatForm::off;
  options.share.enabled = true;
  options.share.late = late;
  options.share.late_events = 2;
  options.slow = slow;
  return options;
}

TEST_SUITE("a shared stream") {
  TEST_CASE("is asked for once, however many ask at the same time, on every worker") {
    World world(shared());
    std::vector<std::unique_ptr<Client>> clients;
    for (std::size_t i = 0; i < 5'000; ++i) {
      clients.push_back(std::make_unique<Client>(world, i % 2));
      clients.back()->ask();
    }
    world.turn();
    CHECK(world.asked() == 1);
    CHECK(clients[0]->status() == 0);
    world.call().answer();
    world.turn();
    world.call().send("data: a\n\n");
    world.turn();
    int right = 0;
    for (const auto& client : clients) right += client->status() == 200 && client->events() == "a";
    CHECK(right == 5'000);
    CHECK(world.plain == 0);
    CHECK(world.workers[1]->route.counters.joined.value() == 2'500);
  }

  TEST_CASE("wakes a reader once for all that comes in a turn") {
    World world(shared());
    Client client(world);
    client.ask();
    world.call().answer();
    world.turn();
    client.read();
    const int before = client.woken;
    world.call().send("data: a\n\ndata: b\n\n");
    world.call().send("data: c\n\n");
    world.turn();
    CHECK(client.woken == before + 1);
    CHECK(client.events() == "a b c");
  }

  TEST_CASE("begins with a comment, which leaves with the head") {
    World world(shared());
    Client client(world);
    client.ask();
    world.call().answer();
    world.turn();
    CHECK(client.read().wire == ":\n");
    CHECK(client.kind == http::Kind::event_stream);
  }

  TEST_CASE("is another one for another URL, host or principal, and for chosen headers") {
    RouteOptions options = shared();
    options.share.headers = {"x-tenant"};
    World world(options);
    Client first(world), query(world), path(world), tenant(world), principal(world), same(world);
    first.ask("/events");
    query.ask("/events?a");
    path.ask("/other");
    tenant.ask("/events", {{"x-tenant", "t"}});
    principal.principal = "p";
    principal.ask("/events");
    CHECK(world.asked() == 5);
    same.ask("/events",
             {{"x-other", "t"}, {"last-event-id", "7"}, {"accept", "text/event-stream"}});
    CHECK(world.asked() == 5);
  }

  TEST_CASE("crosses credentials only when it is told to") {
    RouteOptions options = shared();
    options.share.across_credentials = true;
    World world(options);
    Client first(world), second(world);
    first.principal = "p";
    first.ask();
    second.principal = "q";
    second.ask();
    CHECK(world.asked() == 1);
  }

  TEST_CASE("gives cookies to the one whose request was sent, and to nobody else") {
    World world(shared());
    Client first(world), second(world);
    first.ask();
    second.ask();
    world.call().answer(200, "text/event-stream", {{"set-cookie", "session=1"}});
    world.turn();
    CHECK(first.header("set-cookie") == "session=1");
    CHECK(second.header("set-cookie") == "-");
  }

  TEST_CASE(
      "an id is said again with each event behind it, but not one that is too long for that") {
    for (const std::size_t length : {200U, 201U}) {
      World world(shared());
      Client client(world);
      client.ask();
      world.call().answer();
      const std::string id(length, 'i');
      world.call().send("id: " + id + "\ndata: a\n\ndata: b\n\ndata: c\n\n");
      world.turn();
      client.read();
      CHECK(client.events() == "a b c");
      CHECK(client.last_id == id);
      CHECK(client.wire.size() == 29 + (length == 200 ? 3 * (length + 5) : length + 5));
    }
  }

  TEST_CASE("who joins late gets what comes, the last events, or the last of each type") {
    const struct {
      LateJoiner late;
      const char* expected;
    } rows[] = {{LateJoiner::none, "x:5"},
                {LateJoiner::events, "y:3 x:4 x:5"},
                {LateJoiner::types, "2 y:3 x:4 x:5"}};
    for (const auto& row : rows) {
      World world(shared(row.late));
      Client first(world), late(world, 1);
      first.ask();
      world.call().answer();
      world.call().send(
          "event: x\ndata: 1\n\ndata: 2\n\nevent: y\ndata: 3\n\nevent: x\ndata: 4\n\n");
      world.turn();
      late.ask();
      world.call().send("event: x\ndata: 5\n\n");
      world.turn();
      CHECK(late.events() == row.expected);
      CHECK(first.events() == "x:1 2 y:3 x:4 x:5");
    }
  }

  TEST_CASE("keeps ids as the upstream gives them, stuck or reset, wherever one begins to read") {
    World world(shared());
    Client first(world), late(world);
    first.ask();
    world.call().answer();
    world.call().send("data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid\ndata: d\n\n");
    world.call().send("id: 2\n\n");
    world.turn();
    late.ask();
    world.call().send("data: e\n\n");
    world.turn();
    CHECK(first.events() == "a b c d e");
    CHECK(first.ids == std::vector<std::string>{"", "1", "1", "", "2"});
    CHECK(late.events() == "e");
    CHECK(late.ids == std::vector<std::string>{"2"});
  }

  TEST_CASE("who comes back with an id that is held goes on behind it, else has a gap") {
    World world(shared(LateJoiner::events));
    Client first(world), back(world, 1), lost(world);
    first.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n");
    world.turn();
    back.ask("/events", {{"last-event-id", "1"}});
    lost.ask("/events", {{"last-event-id", "77"}});
    world.turn();
    CHECK(back.events() == "b c");
    CHECK(lost.events() == "gap(unknown) b c");
    CHECK(world.workers[1]->route.counters.resumed.value() == 1);
  }

  TEST_CASE("tells those who join what the upstream has said of retries, clamped") {
    RouteOptions options = shared();
    options.min_retry = milliseconds(2'000);
    World world(options);
    Client first(world), late(world);
    first.ask();
    world.call().answer();
    world.call().send("retry: 100\ndata: a\n\nretry: 100\ndata: b\n\n");
    world.turn();
    late.ask();
    world.turn();
    CHECK(first.events() == "a b");
    CHECK(first.retries == std::vector<Millis::rep>{2'000});
    late.read();
    CHECK(late.retries == std::vector<Millis::rep>{2'000});
  }

  TEST_CASE("a slow reader gets the rest, the newest, the newest of each type, or its end") {
    const struct {
      SlowReader slow;
      const char* expected;
    } rows[] = {{SlowReader::replay, "0 gap(evicted) x:6 7 x:8 9"},
                {SlowReader::drop, "0 gap(dropped) 9"},
                {SlowReader::latest, "0 gap(evicted) x:8 9"},
                {SlowReader::close, "0"}};
    for (const auto& row : rows) {
      RouteOptions options = shared(LateJoiner::none, row.slow);
      options.replay.events = 4;
      World world(options);
      Client slow(world), quick(world);
      slow.ask();
      quick.ask();
      world.call().answer();
      world.call().send("data: 0\n\n");
      world.turn();
      slow.read(5);  // ":\n" and a part of the event.
      for (int i = 1; i < 10; ++i) {
        world.call().send((i % 2 == 0 ? "event: x\ndata: " : "data: ") + std::to_string(i) +
                          "\n\n");
        world.turn();
        CHECK(quick.events().ends_with(std::to_string(i)));
      }
      CHECK(slow.events() == row.expected);
      CHECK(slow.has_ended == (row.slow == SlowReader::close));
      CHECK(slow.retries.size() == (row.slow == SlowReader::close ? 1 : 0));
    }
  }

  TEST_CASE("with `latest`, who had not had everything gets the newest of each type at once") {
    World world(shared(LateJoiner::none, SlowReader::latest));
    Client slow(world);
    slow.ask();
    world.call().answer();
    for (int i = 0; i < 5; ++i) {
      world.call().send("event: x\ndata: " + std::to_string(i) + "\n\n");
      world.turn();
    }
    CHECK(slow.events() == "x:4");
  }

  TEST_CASE("goes on for `linger` without readers, and then is stopped") {
    World world(shared());
    Client client(world);
    client.ask();
    world.call().answer();
    world.turn();
    client.leave();
    world.pass(seconds(4));
    CHECK_FALSE(world.call().records.back().is_stopped);
    client.ask();
    world.pass(seconds(10));
    CHECK_FALSE(world.call().records.back().is_stopped);
    client.leave();
    world.pass(seconds(1));
    world.pass(seconds(6));
    CHECK(world.is_gone());
    CHECK(world.sources.size() == 0);
    CHECK(world.sources.bytes() == 0);
  }

  TEST_CASE("ends with its last reader where it does not linger") {
    RouteOptions options = shared();
    options.share.linger = milliseconds(0);
    World world(options);
    Client client(world, 1);
    client.ask();
    world.call().answer();
    client.leave();
    world.turn();
    CHECK(world.is_gone());
  }

  TEST_CASE("an upstream that breaks off is asked again with its own last id, unseen by readers") {
    World world(shared());
    Client client(world, 1);
    client.ask("/events", {{"cookie", "c"}});
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\ndata: half");
    world.call().cut();
    world.turn();
    CHECK(client.events() == "a");
    CHECK_FALSE(client.has_ended);
    world.pass(milliseconds(900));
    CHECK(world.call().records.size() == 1);
    world.pass(milliseconds(500));
    REQUIRE(world.call().records.size() == 2);
    CHECK(world.call().header("last-event-id") == "1");
    CHECK(world.call().header("cookie") == "c");
    world.call().answer();
    world.call().send("id: 2\ndata: b\n\n");
    world.turn();
    CHECK(client.events() == "b");
    CHECK(client.gaps == 0);
    CHECK(world.workers[1]->route.counters.reconnects.value() == 1);
  }

  TEST_CASE("what an upstream without ids may have lost is told by a gap") {
    World world(shared());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.call().cut();
    world.pass(seconds(2));
    CHECK(world.call().header("last-event-id") == "-");
    world.call().answer();
    world.call().send("data: b\n\n");
    world.turn();
    CHECK(client.events() == "a gap(unknown) b");
  }

  TEST_CASE("waits twice as long after each failure, up to 30 s, or 5 s for a connection") {
    const struct {
      Failure failure;
      std::vector<int> waits;
    } rows[] = {{Failure::timeout, {2, 4, 8, 16, 30, 30}}, {Failure::connect, {2, 4, 5, 5}}};
    for (const auto& row : rows) {
      World world(shared());
      Client client(world);
      client.ask();
      world.call().answer();
      world.call().send("retry: 2000\ndata: a\n\n");
      world.call().cut();
      for (const int wait : row.waits) {
        const std::size_t before = world.call().records.size();
        world.pass(seconds(wait) - milliseconds(100));
        CHECK(world.call().records.size() == before);
        world.pass(milliseconds(400) + milliseconds(seconds(wait)) / 4);
        REQUIRE(world.call().records.size() == before + 1);
        world.call().cut(row.failure);
      }
    }
  }

  TEST_CASE("ends as its upstream does: a table") {
    struct Row {
      const char* what;
      std::function<void(FakeCall&)> end;
      OnEnd on_end;
      bool ends;
    };
    const auto framed = [](FakeCall& call) { call.complete(); };
    const auto closed = [](FakeCall& call) { call.complete(true), call.answer_probe(true); };
    const auto restarting = [](FakeCall& call) { call.complete(true), call.answer_probe(false); };
    const Row rows[] = {
        {"a last chunk, a length, END_STREAM", framed, OnEnd::end, true},
        {"the same, where the route asks again", framed, OnEnd::reconnect, false},
        {"end of file of an upstream that is there", closed, OnEnd::end, true},
        {"end of file of an upstream that is gone", restarting, OnEnd::end, false},
        {"cut", [](FakeCall& call) { call.cut(); }, OnEnd::end, false},
    };
    for (const Row& row : rows) {
      INFO(row.what);
      RouteOptions options = shared();
      options.on_end = row.on_end;
      World world(options);
      Client client(world, 1);
      client.ask();
      world.call().answer();
      world.call().send("data: a\n\n");
      row.end(world.call());
      world.turn();
      CHECK(client.events() == "a");
      CHECK(client.has_ended == row.ends);
      CHECK(client.status() == 200);
    }
  }

  TEST_CASE("whether its upstream is there is not asked at once: who dies closes his port last") {
    World world(shared());
    Client client(world, 1);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.call().complete(true);
    world.turn();
    CHECK_FALSE(world.call().is_probing);
    world.pass(milliseconds(100));
    REQUIRE(world.call().is_probing);
    world.call().answer_probe(false);
    world.turn();
    CHECK_FALSE(client.has_ended);
  }

  TEST_CASE("what is no event stream ends it, when it is asked again: a table") {
    const struct {
      int status;
      const char* type;
      int tries;
    } rows[] = {{204, "", 1},       {200, "text/html", 1}, {404, "text/plain", 1},
                {401, "text/x", 1}, {503, "text/x", 10},   {429, "text/x", 10}};
    for (const auto& row : rows) {
      INFO(row.status);
      World world(shared());
      Client client(world);
      client.ask();
      world.call().answer();
      world.call().send("data: a\n\n");
      world.call().cut();
      int tries = 0;
      for (; !world.is_gone() && tries < 20; ++tries) {
        world.pass(seconds(60));
        world.call().answer(row.status, row.type);
        world.turn();
      }
      client.read();
      world.pass(seconds(1));
      CHECK(tries == row.tries);
      CHECK(client.events() == "a");
      // A client must not take what is there for all there was, unless it is told to stop.
      CHECK(client.has_ended == (row.status == 204));
      CHECK(client.is_aborted == (row.status != 204));
      CHECK(world.workers[0]->route.counters.failed_answer.value() ==
            (row.status == 204 ? 0U : static_cast<unsigned>(tries)));
    }
  }

  TEST_CASE("where errors are told, so is such an answer, with its status") {
    RouteOptions options = shared();
    options.errors = ErrorForm::event;
    World world(options);
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.call().cut();
    world.pass(seconds(2));
    world.call().answer(404, "text/plain");
    world.turn();
    client.read().read();
    CHECK(client.has_ended);
    CHECK(client.wire.find("\"status\":404,\"type\":\"upstream_answer\"") != std::string::npos);
  }

  TEST_CASE(
      "an answer that is no event stream goes to the one who asked; the others ask themselves") {
    World world(shared());
    Client first(world), second(world), elsewhere(world, 1);
    first.ask();
    second.ask();
    elsewhere.ask();
    world.call().answer(404, "text/plain", {{"x-why", "it is not there"}});
    world.call().send("not found");
    world.turn();
    CHECK(first.status() == 404);
    CHECK(first.header("x-why") == "it is not there");
    CHECK(world.call().records.back().unpaid == 9);
    first.read();
    CHECK(world.call().records.back().unpaid == 0);
    CHECK(first.wire == "not found");
    CHECK_FALSE(first.has_ended);
    world.call().complete();
    world.turn();
    CHECK(first.read().has_ended);
    CHECK(world.plain == 2);
    CHECK(second.status() == 299);
    CHECK(elsewhere.status() == 299);
    CHECK(second.read().has_ended);
    CHECK(world.sources.size() == 0);
  }

  TEST_CASE("an upstream that cannot be reached is said to all who wait for it") {
    RouteOptions options = shared();
    options.unavailable = Unavailable::status;
    World world(options);
    Client first(world), second(world, 1), later(world);
    first.ask();
    second.ask();
    world.call().cut(Failure::connect);
    world.turn();
    CHECK(first.status() == 502);
    CHECK(second.status() == 502);
    CHECK(second.read().has_ended);
    later.ask();
    CHECK(world.asked() == 2);
  }

  TEST_CASE("an event that is too large is skipped, and a gap stands for it") {
    RouteOptions options = shared();
    options.max_event_bytes = 100;
    World world(options);
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\ndata: " + std::string(200, 'x') + "\n\ndata: b\n\n");
    world.turn();
    CHECK(client.events() == "a gap(dropped) b");
  }

  TEST_CASE("heartbeats go on while its upstream is away") {
    RouteOptions options = shared();
    options.heartbeat = HeartbeatForm::line;
    World world(options);
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.call().cut();
    world.turn();
    client.read();
    client.wire.clear();
    world.pass(seconds(16));
    CHECK(client.read().wire == ":\n");
    world.pass(seconds(16));
    CHECK(client.read().wire == ":\n:\n");
  }

  TEST_CASE("readers are ended one by one when the gateway drains, between events") {
    World world(shared());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: abcdef\n\n");
    world.turn();
    client.read(7);
    REQUIRE_FALSE(world.workers[0]->streams.empty());
    world.workers[0]->streams.pop_front().end(milliseconds(1'500));
    CHECK(client.events() == "abcdef");
    CHECK(client.has_ended);
    CHECK(client.retries == std::vector<Millis::rep>{1'500});
  }

  TEST_CASE("a token that is no longer good ends its own reader") {
    World world(shared());
    Client client(world), other(world);
    client.ends = world.clock.now() + seconds(10);
    client.ask();
    other.ask();
    world.call().answer();
    world.turn();
    client.read();
    world.pass(seconds(9));
    CHECK_FALSE(client.read().has_ended);
    world.pass(seconds(2));
    CHECK(client.read().has_ended);
    CHECK(client.retries.size() == 1);
    CHECK_FALSE(other.read().has_ended);
  }

  TEST_CASE("pages, ranges, conditions and other methods are relayed plainly") {
    World world(shared());
    Client client(world);
    client.ask("/", {{"accept", "text/html, */*"}});
    client.ask("/", {{"range", "bytes=0-1"}});
    client.ask("/", {{"if-none-match", "\"a\""}});
    client.ask("/", {}, "POST");
    client.ask("/", {}, "HEAD");
    CHECK(world.plain == 5);
    CHECK(world.asked() == 0);
  }

  TEST_CASE("where there are too many, the one longest without readers goes, else the newcomer") {
    World world(shared(), {.sources = 2, .replay_bytes = 1_MiB});
    Client a(world), b(world), c(world), d(world);
    a.ask("/a");
    b.ask("/b");
    world.call(0).answer();
    world.call(1).answer();
    world.turn();
    c.ask("/c");
    CHECK(world.plain == 1);
    a.leave();
    world.turn();
    d.ask("/d");
    world.turn();
    CHECK(world.plain == 1);
    CHECK(world.asked() == 3);
    CHECK(world.is_gone(0));
    CHECK(world.sources.size() == 2);
  }

  TEST_CASE("holds no more than its bounds, and the process' bound") {
    RouteOptions options = shared();
    options.replay.bytes = 100'000;
    World world(options, {.sources = 10, .replay_bytes = 50'000});
    Client client(world);
    client.ask();
    world.call().answer();
    for (int i = 0; i < 200; ++i) {
      world.call().send("data: " + std::string(1'000, 'x') + "\n\n");
      world.turn();
      client.read();
    }
    CHECK(world.sources.bytes() < 60'000);
    CHECK(client.text.size() == 200'000);
    CHECK(client.gaps == 0);
    CHECK(world.workers[0]->route.counters.replay_bytes.value() ==
          static_cast<std::int64_t>(world.sources.bytes()));
  }

  TEST_CASE("a gap says behind which id something may be missing") {
    World world(shared());
    Client first(world), lost(world);
    first.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\n");
    world.turn();
    lost.ask("/events", {{"last-event-id", "77"}});
    world.call().send("id: 2\ndata: " + std::string(2_MiB, 'x') + "\n\nid: 3\ndata: c\n\n");
    world.turn();
    CHECK(lost.events() == "gap(unknown) gap(dropped) c");
    CHECK(lost.gaps_behind == std::vector<std::string>{"77", "1"});
    CHECK(first.events() == "a gap(dropped) c");
    CHECK(first.gaps_behind == std::vector<std::string>{"1"});
  }

  TEST_CASE("is nobody's past: its first asker's id is not sent upstream, and a gap says so") {
    for (const bool is_replayed : {false, true}) {
      INFO(is_replayed);
      RouteOptions options = shared();
      options.replay.enabled = is_replayed;
      World world(options);
      Client first(world), second(world, 1);
      first.ask("/events", {{"last-event-id", "7"}});
      second.ask();
      CHECK(world.asked() == 1);
      CHECK(world.call().header("last-event-id") == "-");
      world.call().answer();
      world.call().send("data: a\n\n");
      world.turn();
      CHECK(first.events() == "gap(unknown) a");
      CHECK(first.gaps_behind == std::vector<std::string>{"7"});
      CHECK(second.events() == "a");
    }
  }

  TEST_CASE("of a plain answer, the time that its client needs is not the upstream's silence") {
    for (const bool is_shared : {true, false}) {
      INFO(is_shared);
      RouteOptions options = shared();
      options.share.enabled = is_shared;
      options.replay.enabled = !is_shared;
      options.silence_timeout = seconds(10);
      World world(options);
      Client client(world);
      client.ask("/file");
      world.call().answer(200, "application/octet-stream");
      world.call().send("begin");
      for (int i = 0; i < 6; ++i) world.pass(seconds(9));
      REQUIRE_FALSE(world.is_gone());
      CHECK(client.read().wire == "begin");
      world.pass(seconds(9));  // The upstream may speak again, since then only.
      world.call().send(" end");
      world.turn();
      CHECK(client.read().wire == "begin end");
      world.pass(seconds(9));
      CHECK_FALSE(client.is_aborted);
      world.pass(seconds(2));
      world.pass(seconds(1));
      CHECK(client.is_aborted);
      CHECK(world.is_gone());
    }
  }

  TEST_CASE("a burst larger than what is held loses no reader anything who keeps up") {
    for (const SlowReader slow : {SlowReader::replay, SlowReader::drop, SlowReader::close}) {
      for (const bool is_bounded_by_bytes : {false, true}) {
        INFO(is_bounded_by_bytes);
        RouteOptions options = shared(LateJoiner::none, slow);
        if (is_bounded_by_bytes) options.replay.bytes = 200;
        options.replay.events = is_bounded_by_bytes ? 1'000 : 10;
        World world(options);
        Client here(world, 0), there(world, 1), stuck(world, 1);
        here.keep_up().ask();
        there.keep_up().ask();
        stuck.ask();
        world.call().answer();
        world.turn();
        std::string burst;
        std::string whole;
        for (int i = 0; i < 200; ++i) {
          burst += "data: " + std::to_string(i) + ";\n\n";
          whole += std::to_string(i) + ";";
        }
        world.call().send(burst);
        // The one that takes nothing holds nobody up.
        for (int i = 0; i < 60; ++i) world.turn();
        CHECK(world.call().records.back().unpaid == 0);
        CHECK(here.text == whole);
        CHECK(there.text == whole);
        CHECK(here.gaps + there.gaps == 0);
        CHECK_FALSE(here.has_ended);
        stuck.read();
        CHECK(stuck.has_ended == (slow == SlowReader::close));
        if (slow != SlowReader::close) CHECK(stuck.gaps == 1);
      }
    }
  }

  TEST_CASE("two events that together are more than what is held reach who keeps up") {
    RouteOptions options = shared(LateJoiner::none, SlowReader::close);
    options.replay.bytes = 200;
    World world(options);
    Client client(world, 1);
    client.keep_up().ask();
    world.call().answer();
    world.turn();
    const std::string first(80, 'a');
    const std::string second(190, 'b');
    world.call().send("data: " + first + "\n\ndata: " + second + "\n\n");
    for (int i = 0; i < 10; ++i) world.turn();
    CHECK(client.text == first + second);
    CHECK(client.gaps == 0);
    CHECK_FALSE(client.has_ended);
  }

  TEST_CASE("a burst and the end behind it, or a cut, arrive whole") {
    for (const bool is_cut : {false, true}) {
      RouteOptions options = shared();
      options.replay.events = 10;
      World world(options);
      Client client(world, 1);
      client.keep_up().ask();
      world.call().answer();
      std::string burst;
      for (int i = 0; i < 100; ++i) burst += "id: " + std::to_string(i) + "\ndata: x\n\n";
      world.call().send(burst);
      is_cut ? world.call().cut() : world.call().complete();
      for (int i = 0; i < 40; ++i) world.turn();
      CHECK(client.text == std::string(100, 'x'));
      CHECK(client.has_ended == !is_cut);
      if (!is_cut) continue;
      world.pass(seconds(2));
      CHECK(world.call().header("last-event-id") == "99");
    }
  }
}

}  // namespace
}  // namespace sluice::relay
