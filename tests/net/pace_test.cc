#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/connections.h"
#include "gateway/net/mailbox.h"
#include "tests/net/conversation.h"
#include "tests/tls/client.h"

namespace sluice::net {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A worker whose connections wait, with one client, who was written to just now.
struct Busy {
  explicit Busy(Duration pace = hours(1)) {
    talk.echoes = false;
    loop.set_turn_end([this] { return connections.flush(); });
    connections.set_pace(pace);
    send(client, "GET / HTTP/1.1\r\n");
    turn();
    pass(milliseconds(10));  // What hurries the loop is over.
    say_soon("first ");
    turn();
    REQUIRE(receive(client) == "first ");
  }
  static UniqueFd add(Connections& connections) {
    tls::SocketPair pair = tls::socket_pair();
    connections.add(std::move(pair.server), "192.0.2.1", nullptr, 0);
    return std::move(pair.client);
  }
  void say_soon(std::string_view text) {
    talk.to_say += text;
    talk.transport->flush_soon();
  }
  void turn() { loop.turn(false); }
  void pass(Duration time) {
    clock.advance(time);
    turn();
  }

  ManualClock clock;
  Loop loop{clock};
  Conversation talk;
  Connections connections{loop, {}, [this](Transport& transport, const Hello&) {
                            talk.transport = &transport;
                            return std::make_unique<Script>(talk);
                          }};
  UniqueFd client = add(connections);
};

TEST_SUITE("pace") {
  TEST_CASE("what comes at once behind a write waits, and leaves in one write") {
    Busy worker;
    const auto flushes = worker.connections.counters().flushes.value();
    worker.say_soon("second ");
    worker.turn();
    worker.say_soon("third");
    worker.pass(hours(1) - microseconds(1));
    CHECK(receive(worker.client).empty());
    worker.pass(microseconds(1));
    CHECK(receive(worker.client) == "second third");
    CHECK(worker.connections.counters().flushes.value() == flushes + 1);
    CHECK(worker.connections.counters().paced.value() == 1);
  }

  TEST_CASE("who is written to more seldom never waits") {
    Busy worker;
    worker.pass(hours(1));
    worker.say_soon("second");
    worker.turn();
    CHECK(receive(worker.client) == "second");
    CHECK(worker.connections.counters().paced.value() == 0);
  }

  TEST_CASE("it is known how long it took to write to those that had waited") {
    Busy worker;
    CHECK(worker.connections.paced_flush() == Duration::zero());
    worker.say_soon("second");
    worker.turn();
    worker.clock.tick(milliseconds(1));
    worker.pass(hours(1));
    CHECK(receive(worker.client) == "second");
    CHECK(worker.connections.paced_flush() >= milliseconds(1));
  }

  TEST_CASE("what cannot wait takes along what does") {
    Busy worker;
    worker.say_soon("second ");
    worker.talk.say("now");
    worker.turn();
    CHECK(receive(worker.client) == "second now");
  }

  TEST_CASE("the loop rests while somebody waits, a moment at a time, and no longer than he does") {
    Busy worker(microseconds(1'500));
    CHECK(worker.connections.rest() == Duration::zero());
    worker.say_soon("second");
    worker.turn();
    CHECK(worker.connections.rest() == Connections::kRest);
    worker.pass(milliseconds(1));
    CHECK(worker.connections.rest() == microseconds(500));
    worker.clock.advance(microseconds(500));
    CHECK(worker.connections.rest() > Duration::zero());  // It must not fall asleep now.
    worker.turn();
    CHECK(receive(worker.client) == "second");
    CHECK(worker.connections.rest() == Duration::zero());
  }

  TEST_CASE("it does not rest while a socket is full: that one waits for nothing else") {
    Busy worker;
    const UniqueFd other = Busy::add(worker.connections);
    Transport& first = *worker.talk.transport;
    send(other, "GET / HTTP/1.1\r\n");
    worker.turn();
    worker.pass(milliseconds(10));
    worker.talk.say(std::string(16 << 20, 'x'));
    worker.turn();
    worker.turn();
    REQUIRE(worker.connections.counters().write_blocked.value() == 1);
    first.flush_soon();
    CHECK(worker.connections.rest() == Duration::zero());
    worker.pass(milliseconds(10));
    CHECK(worker.connections.rest() == Connections::kRest);
  }

  TEST_CASE("nor when a client has just asked for something") {
    Busy worker;
    send(worker.client, "GET / HTTP/1.1\r\n");
    worker.turn();
    worker.say_soon("second");
    CHECK(worker.connections.rest() == Duration::zero());
  }

  TEST_CASE("nor when the next turn has work that this one has posted") {
    Busy worker;
    worker.say_soon("second");
    int taken = 0;
    Mailbox<int> mailbox(worker.loop, [&taken](std::vector<int>&) { ++taken; });
    worker.loop.set_turn_end([&] {
      if (taken == 0) mailbox.post(1);
      return worker.connections.flush();
    });
    worker.turn();
    CHECK(worker.connections.rest() == Duration::zero());
    worker.turn();
    REQUIRE(taken == 1);
    CHECK(worker.connections.rest() == Connections::kRest);
  }

  TEST_CASE("a timer wakes a loop that does not rest") {
    Busy worker(milliseconds(2));
    worker.loop.hurry();
    worker.say_soon("second");
    worker.turn();
    REQUIRE(worker.connections.rest() == Duration::zero());
    worker.loop.turn(true);  // The clock stands still: the timer has come too soon.
    CHECK(receive(worker.client).empty());
    REQUIRE(worker.connections.rest() == Duration::zero());
    worker.clock.advance(milliseconds(2));
    worker.loop.turn(true);
    CHECK(receive(worker.client) == "second");
  }

  TEST_CASE("a connection that is closed meanwhile is forgotten") {
    Busy worker;
    worker.say_soon("second");
    worker.connections.close_all();
    worker.pass(hours(1));
    CHECK(worker.talk.is_gone);
    CHECK(worker.connections.size() == 0);
  }

  TEST_CASE("a worker that is not busy lets nobody wait") {
    Busy worker;
    worker.connections.set_pace(Duration::zero());
    worker.say_soon("second");
    worker.turn();
    CHECK(receive(worker.client) == "second");
  }
}

}  // namespace
}  // namespace sluice::net
