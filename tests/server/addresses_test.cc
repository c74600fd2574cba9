#include "gateway/server/addresses.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = net::Doorkeeper::Verdict;

/// A table, its clock, and whoever has knocked.
struct House {
  explicit House(AddressOptions options_, std::vector<std::string> exempt = {"10.0.0.0/8"})
      : options(std::move(options_)), addresses(options, *http::Networks::parse(exempt), clock) {}

  /// A connection that comes, and goes in if it may; "-": nobody counts it.
  struct Caller {
    Addresses& addresses;
    net::Doorkeeper::Guest* guest;
    bool is_in = false;
    Verdict ask(bool by_tls = true) {
      const Verdict verdict = addresses.enter(*guest, by_tls);
      is_in = verdict == Verdict::come_in;
      return verdict;
    }
    void leave() { addresses.leave(*guest, is_in); }
  };
  Caller knocks(std::string_view address) { return {addresses, addresses.knock(address)}; }
  Verdict comes(std::string_view address, bool by_tls = true) {
    return knocks(address).ask(by_tls);
  }

  ManualClock clock;
  const AddressOptions options;
  Addresses addresses;
};

TEST_SUITE("addresses") {
  TEST_CASE("have so many connections, in all workers together, and the next one waits") {
    House house({.connections = 2, .handshakes_per_second = 0});
    auto first = house.knocks("192.0.2.1");
    CHECK(first.ask() == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    auto third = house.knocks("192.0.2.1");
    CHECK(third.ask() == Verdict::too_many);
    CHECK(house.comes("192.0.2.2") == Verdict::come_in);
    first.leave();
    CHECK(third.ask() == Verdict::come_in);
  }

  TEST_CASE("of IPv6 are counted by their /64") {
    House house({.connections = 1, .handshakes_per_second = 0});
    CHECK(house.comes("2001:db8:1:2::1") == Verdict::come_in);
    CHECK(house.comes("2001:db8:1:2:ffff::2") == Verdict::too_many);
    CHECK(house.comes("2001:db8:1:3::1") == Verdict::come_in);
  }

  TEST_CASE("of IPv4 are the same in their IPv6 form, and each one by itself") {
    House house({.connections = 1, .handshakes_per_second = 0});
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    CHECK(house.comes("::ffff:192.0.2.1") == Verdict::too_many);
    CHECK(house.comes("::ffff:192.0.2.2") == Verdict::come_in);
  }

  TEST_CASE("that are exempt, or none at all, are not counted") {
    House house({.connections = 1, .streams = 1});
    for (const char* address : {"10.1.2.3", "unknown", ""}) {
      CHECK(house.addresses.knock(address) == nullptr);
      CHECK(*house.addresses.open_stream(address) == nullptr);
    }
    CHECK(house.addresses.size() == 0);
  }

  TEST_CASE("are not looked up where nothing is limited") {
    House house({.connections = 0, .handshakes_per_second = 0, .streams = 0});
    CHECK(house.addresses.knock("192.0.2.1") == nullptr);
    CHECK(*house.addresses.open_stream("192.0.2.1") == nullptr);
  }

  TEST_CASE("shake hands so often at once, and so often in a second") {
    House house({.connections = 0, .handshakes_per_second = 10, .handshakes = 2});
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    auto third = house.knocks("192.0.2.1");
    CHECK(third.ask() == Verdict::too_fast);
    house.clock.advance(milliseconds(99));
    CHECK(third.ask() == Verdict::too_fast);
    house.clock.advance(milliseconds(2));
    CHECK(third.ask() == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::too_fast);
    house.clock.advance(seconds(60));  // It is full, and no more than that.
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::too_fast);
  }

  TEST_CASE("in clear text shake no hands") {
    House house({.connections = 0, .handshakes_per_second = 1, .handshakes = 1});
    CHECK(house.comes("192.0.2.1", false) == Verdict::come_in);
    CHECK(house.comes("192.0.2.1", false) == Verdict::come_in);
    CHECK(house.comes("192.0.2.1") == Verdict::come_in);
  }

  TEST_CASE("that are full spend no handshake on who has to wait for a place") {
    House house({.connections = 1, .handshakes_per_second = 1, .handshakes = 2});
    auto first = house.knocks("192.0.2.1");
    CHECK(first.ask() == Verdict::come_in);
    auto second = house.knocks("192.0.2.1");
    for (int i = 0; i < 10; ++i) CHECK(second.ask() == Verdict::too_many);
    first.leave();
    CHECK(second.ask() == Verdict::come_in);
  }

  TEST_CASE("hold so many event streams") {
    House house({.streams = 2});
    auto first = house.addresses.open_stream("192.0.2.1");
    auto second = house.addresses.open_stream("192.0.2.1");
    REQUIRE(first);
    CHECK(*first != nullptr);
    CHECK_FALSE(house.addresses.open_stream("192.0.2.1"));
    CHECK(house.addresses.open_stream("192.0.2.2"));
    first->reset();
    CHECK(house.addresses.open_stream("192.0.2.1"));
    CHECK(second);
  }

  TEST_CASE("that hold nothing are forgotten when their bucket is full again") {
    House house({.handshakes_per_second = 10, .handshakes = 10});
    auto caller = house.knocks("192.0.2.1");
    CHECK(caller.ask() == Verdict::come_in);
    caller.leave();
    CHECK(house.addresses.size() == 1);
    house.clock.advance(milliseconds(101));
    auto other = house.knocks("192.0.2.2");
    CHECK(house.addresses.size() == 1);
    other.leave();  // It never came in: its bucket is full.
    CHECK(house.addresses.size() == 0);
  }

  TEST_CASE("that were here a moment ago are so many at most; the oldest is forgotten") {
    House house({.connections = 0, .handshakes_per_second = 1, .handshakes = 2});
    const auto visit = [&](std::size_t i) {
      auto caller = house.knocks("2001:db8:" + std::to_string(i / 10'000) + ":" +
                                 std::to_string(i % 10'000) + "::1");
      CHECK(caller.ask() == Verdict::come_in);
      caller.leave();
    };
    for (std::size_t i = 0; i < Addresses::kMostIdle + 100; ++i) visit(i);
    CHECK(house.addresses.size() == Addresses::kMostIdle);
  }
}

}  // namespace
}  // namespace sluice::server
