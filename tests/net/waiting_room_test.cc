/// Connections whose doorkeeper does not let everybody in at once, and who has to go when room is
/// needed.

#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/connections.h"
#include "tests/net/conversation.h"
#include "tests/tls/client.h"

namespace sluice::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = Doorkeeper::Verdict;

/// Lets so many in, of whoever comes.
struct Porter final : Doorkeeper {
  struct Everybody final : Guest {};
  Guest* knock(std::string_view address) override {
    addresses.emplace_back(address);
    return address == "uncounted" ? nullptr : &everybody;
  }
  Verdict enter(Guest&, bool by_tls) override {
    asked_by_tls = by_tls;
    if (inside >= places) return Verdict::too_many;
    ++inside;
    return Verdict::come_in;
  }
  void leave(Guest&, bool was_in) override {
    ++left;
    if (was_in) --inside;
  }

  Everybody everybody;
  std::vector<std::string> addresses;
  int places = 1;
  int inside = 0;
  int left = 0;
  bool asked_by_tls = false;
};

struct House {
  explicit House(const Connections::Options& options = {})
      : connections(
            loop, options,
            [this](Transport& transport, const Hello& hello) {
              Conversation& talk = talks[hello.id];
              talk.alpn = hello.alpn;
              talk.peer = hello.peer;
              talk.transport = &transport;
              return std::make_unique<Script>(talk);
            },
            &porter) {
    loop.set_turn_end([this] { return connections.flush(); });
  }

  UniqueFd add(std::string peer = "192.0.2.1", bool by_tls = false, Proxied proxied = Proxied::no) {
    tls::SocketPair pair = tls::socket_pair();
    connections.add(std::move(pair.server), std::move(peer), by_tls ? context : nullptr, 0,
                    proxied);
    return std::move(pair.client);
  }
  void turn(int times = 1) {
    for (int i = 0; i < times; ++i) loop.turn(false);
  }
  void pass(Duration time) {
    clock.advance(time);
    turn(3);
  }
  [[nodiscard]] std::int64_t waiting() const { return counters().waiting.value(); }
  [[nodiscard]] const Connections::Counters& counters() const { return connections.counters(); }

  ManualClock clock;
  Loop loop{clock};
  Porter porter;
  tls::TestCertificate certificate;
  std::shared_ptr<tls::Context> context = certificate.context();
  std::map<std::uint64_t, Conversation> talks;
  Connections connections;
};

TEST_SUITE("the waiting room") {
  TEST_CASE("who is not let in waits unread, and comes in when another has left") {
    House house;
    UniqueFd first = house.add();
    send(first, "hello");
    house.turn(2);
    const UniqueFd second = house.add();
    send(second, "me too");
    house.pass(seconds(1));
    CHECK(house.talks.size() == 1);
    CHECK(house.waiting() == 1);
    CHECK(house.counters().waits_for_place.value() == 1);
    first.reset();
    house.turn(2);
    house.pass(milliseconds(200));
    CHECK(house.waiting() == 0);
    CHECK(house.talks.size() == 2);
    CHECK(receive(second) == "me too");
  }

  TEST_CASE("no TLS session is made for who waits; then the handshake has all its time") {
    House house({.handshake_timeout = seconds(10), .waiting_timeout = seconds(30)});
    house.porter.places = 0;
    tls::TestClient client(house.add("192.0.2.1", true), {.alpn = "\x02h2"});
    client.handshake();
    for (int i = 0; i < 20; ++i) house.pass(seconds(1));
    CHECK(house.porter.asked_by_tls);
    CHECK(house.waiting() == 1);
    house.porter.places = 1;
    house.pass(milliseconds(200));
    for (int i = 0; i < 20 && !client.handshake(); ++i) house.turn();
    client.write("hello");
    house.turn(2);
    CHECK(house.talks.at(1).heard == "hello");
  }

  TEST_CASE("its oldest is sent away with a FIN when it is full") {
    House house({.waiting_room = 2});
    house.porter.places = 0;
    const UniqueFd first = house.add();
    send(first, "unread");  // To close that would be a reset.
    const UniqueFd second = house.add();
    const UniqueFd third = house.add();
    house.turn(3);
    CHECK(receive(first) == "<end>");
    CHECK(receive(second).empty());
    CHECK(receive(third).empty());
    CHECK(house.waiting() == 2);
    CHECK(house.counters().waiting_overflow.value() == 1);
  }

  TEST_CASE("who has waited for long enough is sent away with a FIN") {
    House house({.waiting_timeout = seconds(10)});
    house.porter.places = 0;
    const UniqueFd caller = house.add("192.0.2.1", true);
    for (int i = 0; i < 9; ++i) house.pass(seconds(1));
    CHECK(receive(caller).empty());
    for (int i = 0; i < 2; ++i) house.pass(seconds(1));
    CHECK(receive(caller) == "<end>");
    CHECK(house.counters().waiting_timeouts.value() == 1);
    CHECK(house.counters().handshake_timeouts.value() == 0);
    CHECK(house.waiting() == 0);
  }

  TEST_CASE("it is empty when the gateway accepts no more") {
    House house;
    house.porter.places = 0;
    const UniqueFd first = house.add();
    const UniqueFd second = house.add();
    house.connections.empty_waiting_room();
    house.turn();
    CHECK(receive(first) == "<end>");
    CHECK(receive(second) == "<end>");
    CHECK(house.waiting() == 0);
  }

  TEST_CASE("the doorkeeper is asked for whom the PROXY header names, not for the balancer") {
    House house;
    const UniqueFd caller = house.add("10.0.0.1", false, Proxied::yes);
    CHECK(house.porter.addresses.empty());
    send(caller, "PROXY TCP4 198.51.100.9 192.0.2.1 56324 443\r\nGET");
    house.turn(3);
    CHECK(house.porter.addresses == std::vector<std::string>{"198.51.100.9"});
    CHECK(house.talks.at(1).heard == "GET");
  }

  TEST_CASE("whoever has knocked leaves once, however it ends") {
    House house;
    {
      const UniqueFd first = house.add();
      const UniqueFd waits = house.add();
      const UniqueFd uncounted = house.add("uncounted");
      house.turn(2);
      CHECK(house.porter.inside == 1);
    }
    house.connections.close_all();
    CHECK(house.porter.inside == 0);
    CHECK(house.porter.left == 2);
    CHECK(house.counters().open.value() == 0);
  }
}

TEST_SUITE("who has to go") {
  TEST_CASE("is without a request, for longest") {
    House house;
    house.porter.places = 4;
    std::vector<UniqueFd> callers;
    for (int i = 0; i < 4; ++i) {
      callers.push_back(house.add());
      send(callers.back(), "x");
    }
    house.turn(3);
    const TimePoint now = house.clock.now();
    house.talks.at(1).idle_since = now - seconds(6);
    house.talks.at(2).idle_since = now - seconds(9);
    house.talks.at(3).idle_since = now - seconds(3);
    CHECK(house.connections.drain_idle(seconds(5), 1) == 1);
    CHECK(house.talks.at(2).finished);
    CHECK_FALSE(house.talks.at(1).finished);
    house.talks.at(2).idle_since.reset();
    CHECK(house.connections.drain_idle(seconds(5), 10) == 1);
    CHECK(house.talks.at(1).finished);
    CHECK_FALSE(house.talks.at(3).finished);
    CHECK_FALSE(house.talks.at(4).finished);
    CHECK(house.counters().drained_idle.value() == 2);
  }

  TEST_CASE("or has taken nothing for some time") {
    House house;
    const UniqueFd caller = house.add();
    send(caller, "x");
    house.turn(2);
    house.talks.at(1).say(pattern(4'000'000));
    house.turn(3);
    CHECK(house.connections.close_stuck(seconds(5)) == 0);
    house.pass(seconds(6));
    CHECK(house.connections.close_stuck(seconds(5)) == 1);
    house.turn();
    CHECK(house.talks.at(1).is_gone);
    CHECK(house.counters().closed_stuck.value() == 1);
  }
}

TEST_SUITE("newcomers, while memory is short") {
  using Newcomers = Connections::Newcomers;

  /// So many of them, each of whom has said something.
  std::vector<UniqueFd> crowd(House & house, int size) {
    std::vector<UniqueFd> callers;
    for (int i = 0; i < size; ++i) {
      callers.push_back(house.add());
      send(callers.back(), "x");
    }
    return callers;
  }

  TEST_CASE("are not read; those who were served are") {
    House house;
    house.porter.places = 4;
    const UniqueFd known = house.add();
    send(known, "x");
    house.turn(2);
    const UniqueFd silent = house.add();
    const UniqueFd begun = house.add();
    send(begun, "y");
    house.turn(2);
    house.talks.at(3).is_newcomer = true;
    house.connections.read_newcomers(Newcomers::none);
    for (const UniqueFd* caller : {&known, &silent, &begun}) send(*caller, "more");
    tls::TestClient client(house.add("192.0.2.1", true), {.alpn = "\x02h2"});
    client.handshake();
    house.turn(5);
    CHECK(house.talks.at(1).heard == "xmore");
    CHECK(house.talks.at(3).heard == "y");
    CHECK(house.talks.size() == 2);
    house.connections.read_newcomers(Newcomers::all);
    for (int i = 0; i < 20 && !client.handshake(); ++i) house.pass(milliseconds(100));
    CHECK(house.talks.at(2).heard == "more");
    CHECK(house.talks.at(3).heard == "ymore");
    CHECK(client.end().empty());
  }

  TEST_CASE("are read a few at a time") {
    House house;
    house.porter.places = 100;
    house.connections.read_newcomers(Newcomers::few);
    const auto callers = crowd(house, 64);
    house.turn(3);
    CHECK(house.talks.empty());
    for (std::size_t read = 16; read <= 64; read += 16) {
      house.clock.advance(milliseconds(150));
      house.turn(3);
      CHECK(house.talks.size() == read);
    }
  }

  TEST_CASE("are read faster and faster behind it, and not if memory is short again") {
    House house;
    house.porter.places = 200;
    house.connections.read_newcomers(Newcomers::none);
    const auto callers = crowd(house, 128);
    house.turn(3);
    house.connections.read_newcomers(Newcomers::all);
    house.turn(3);
    CHECK(house.talks.size() == 16);
    house.pass(milliseconds(150));
    CHECK(house.talks.size() == 16 + 32);
    house.connections.read_newcomers(Newcomers::none);
    for (int i = 0; i < 20; ++i) house.pass(milliseconds(150));
    CHECK(house.talks.size() == 16 + 32);
    house.connections.read_newcomers(Newcomers::all);
    for (int i = 0; i < 20; ++i) house.pass(milliseconds(150));
    CHECK(house.talks.size() == 128);
    const auto others = crowd(house, 40);  // All is as usual.
    house.turn(3);
    CHECK(house.talks.size() == 168);
  }
}

}  // namespace
}  // namespace sluice::net
