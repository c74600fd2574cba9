#include "gateway/net/address.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::net {
namespace {

std::vector<std::string> all(std::string_view text) {
  const auto addresses = resolve(text);
  REQUIRE(addresses);
  std::vector<std::string> texts;
  for (const SocketAddress& address : *addresses) texts.push_back(address.to_string());
  std::sort(texts.begin(), texts.end());
  return texts;
}

TEST_SUITE("Address") {
  TEST_CASE("numbers are taken as they are") {
    CHECK(all("127.0.0.1:0") == std::vector<std::string>{"127.0.0.1:0"});
    CHECK(all("[::1]:8443") == std::vector<std::string>{"[::1]:8443"});
  }

  TEST_CASE("a name stands for each address it has") {
    const auto addresses = all("localhost:8443");
    CHECK(std::count(addresses.begin(), addresses.end(), "127.0.0.1:8443") == 1);
  }

  TEST_CASE("a star stands for every address of the machine") {
    const auto addresses = all("*:443");
    CHECK(std::count(addresses.begin(), addresses.end(), "0.0.0.0:443") == 1);
  }

  TEST_CASE("what is no address is refused, and the error says what would be one") {
    for (const char* text : {"", "8443", "localhost", "::1:8443", "[::1:80", "[]:80", ":80",
                             "localhost:", "localhost:65536", "localhost:-1", "localhost:http"}) {
      CAPTURE(text);
      const auto addresses = resolve(text);
      REQUIRE_FALSE(addresses);
      CHECK(addresses.error().what == "\"" + std::string(text) +
                                          "\" is not an address: write HOST:PORT, [IPV6]:PORT or "
                                          "*:PORT");
    }
  }

  TEST_CASE("a name that nobody has is an error that names it") {
    const auto addresses = resolve("no-such-host.invalid:80");
    REQUIRE_FALSE(addresses);
    CHECK(addresses.error().what.starts_with("no-such-host.invalid: "));
  }

  TEST_CASE("a peer is shown without its port, and IPv4 through IPv6 as IPv4") {
    const auto peer = resolve("[::ffff:192.0.2.7]:4711");
    REQUIRE(peer);
    CHECK(peer->front().host() == "192.0.2.7");
    CHECK(all("[2001:db8::1]:80").front() == "[2001:db8::1]:80");
  }

  TEST_CASE("an address in numbers is read without asking anybody") {
    const auto text_of = [](std::string_view host) {
      const auto address = SocketAddress::parse(host, 8443);
      return address ? address->to_string() : std::string("a name");
    };
    CHECK(text_of("127.0.0.1") == "127.0.0.1:8443");
    CHECK(text_of("::1") == "[::1]:8443");
    CHECK(text_of("[2001:db8::7]") == "[2001:db8::7]:8443");
    for (const char* host : {"", "localhost", "127.1", "127.0.0.1.", "0x7f000001", "[127.0.0.1]",
                             "[::1", "::1]", "::1%lo", "[", "[]", "127.0.0.1:80"}) {
      CAPTURE(host);
      CHECK(text_of(host) == "a name");
    }
    CHECK(text_of({"127.0.0.1\0x", 11}) == "a name");
  }

  TEST_CASE("a port can be set") {
    auto addresses = resolve("127.0.0.1:0");
    REQUIRE(addresses);
    addresses->front().set_port(4711);
    CHECK(addresses->front().port() == 4711);
  }
}

}  // namespace
}  // namespace sluice::net
