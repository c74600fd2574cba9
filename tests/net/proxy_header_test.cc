#include "gateway/net/proxy_header.h"

#include <cstddef>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace sluice::net {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number(std::size_t n) {
  return {static_cast<char>(n >> 8 & 255), static_cast<char>(n & 255)};
}
std::string binary(char command, char family, const std::string& payload) {
  return kSignature + command + family + number(payload.size()) + payload;
}
std::string extension(char type, const std::string& value) {
  return type + number(value.size()) + value;
}

const std::string kTcp4 = "\xc0\x00\x02\x07\xc6\x33\x64\x01"s + number(56'324) + number(443);
const std::string kTcp6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                          "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" + number(4'711) +
                          number(443);

/// What a connection does with it: looks at what is there, `step` bytes more each time, and
/// consumes what is the header's. What stays is the protocol's.
struct Outcome {
  ProxyHeader header;
  std::string left;
};
Outcome read(const std::string& sent, std::size_t step = std::string::npos) {
  Outcome outcome;
  std::string socket;
  for (std::size_t at = 0; at < sent.size(); at += std::min(step, sent.size() - at)) {
    socket += sent.substr(at, step);
    socket.erase(0, outcome.header.take(socket));
  }
  outcome.left = socket;
  return outcome;
}

constexpr std::size_t kSteps[] = {1, 2, 3, 5, 7, 11, 13, 16, 17, 1'000};

TEST_SUITE("PROXY header") {
  TEST_CASE("says who is behind the balancer, in whatever pieces it comes") {
    struct Row {
      std::string header;
      std::string client;
    };
    const Row rows[] = {
        {"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7:56324"},
        {"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711"},
        {binary('\x21', '\x11', kTcp4), "192.0.2.7:56324"},
        {binary('\x21', '\x21', kTcp6), "[2001:db8::7]:4711"},
        {binary('\x21', '\x11', kTcp4 + extension('\x04', "padding")), "192.0.2.7:56324"},
        {binary('\x21', '\x11', kTcp4 + extension('\xea', "vpce-0123")), "192.0.2.7:56324"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.client);
      for (const std::string& next : {""s, "GET / HTTP/1.1\r\n\r\n"s, "\x16\x03\x01"s}) {
        for (const std::size_t step : kSteps) {
          const Outcome outcome = read(row.header + next, step);
          REQUIRE(outcome.header.is_complete());
          CHECK(outcome.header.has_client());
          CHECK(outcome.header.client().to_string() == row.client);
          CHECK(outcome.left == next);
        }
      }
    }
  }

  TEST_CASE("of a health check, or of what the balancer does not know, it says nobody") {
    for (const std::string& header :
         {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n"s, binary('\x20', '\0', ""),
          binary('\x20', '\x11', kTcp4), binary('\x21', '\0', "")}) {
      const Outcome outcome = read(header + "x");
      CHECK(outcome.header.is_complete());
      CHECK_FALSE(outcome.header.has_client());
      CHECK(outcome.left == "x");
    }
  }

  TEST_CASE("says what was agreed with the client") {
    const std::string tls = "\x01\0\0\0\0"s + extension('\x21', "TLSv1.3");
    const auto with =
        read(binary('\x21', '\x11', kTcp4 + extension('\x01', "h2") + extension('\x20', tls)));
    CHECK(with.header.alpn() == "h2");
    CHECK(with.header.had_tls());
    const auto without = read(binary('\x21', '\x11', kTcp4 + extension('\x20', "\0\0\0\0\0"s)));
    CHECK(without.header.alpn().empty());
    CHECK_FALSE(without.header.had_tls());
  }

  TEST_CASE("a checksum holds for every byte of it") {
    // CRC-32C of the header with zeros in its place, by another implementation (RFC 9260 app. A).
    const std::string good = binary('\x21', '\x11', kTcp4 + extension('\x03', "\x54\x8e\x28\xff"s));
    CHECK(read(good).header.client().to_string() == "192.0.2.7:56324");
    for (std::size_t at = 16; at < good.size(); ++at) {
      if (at >= 28 && at < 31) continue;  // The extension's own head.
      std::string bad = good;
      bad[at] ^= 1;
      CHECK(read(bad).header.fault() == "the checksum of its PROXY header is wrong");
    }
  }

  TEST_CASE("what is none is refused, with the reason, and nothing of it is taken for a client") {
    struct Row {
      std::string sent;
      std::string_view fault;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\n", "it does not begin with a PROXY header"},
        {"\x16\x03\x01\x02", "it does not begin with a PROXY header"},
        {"PRI * HTTP/2.0\r\n", "it does not begin with a PROXY header"},
        {"\r\n\r\nGET /", "it does not begin with a PROXY header"},
        {"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "it does not begin with a PROXY header"},
        {"PROXY TCP4 " + std::string(97, '1'), "its PROXY line is longer than 107 bytes"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "its PROXY line does not end with CR LF"},
        {"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "its PROXY line is neither of TCP4 nor TCP6"},
        {"PROXY TCP4\r\n", "its PROXY line is neither of TCP4 nor TCP6"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "its PROXY line is too short"},
        {"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "its PROXY line has an address that is none"},
        {"PROXY TCP4 ::1 ::1 1 2\r\n", "its PROXY line has an address that is none"},
        {"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "its PROXY line has an address that is none"},
        {"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "its PROXY line has an address that is none"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 70000 2\r\n", "its PROXY line has a port that is none"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "its PROXY line has a port that is none"},
        {"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "its PROXY line has a port that is none"},
        {binary('\x11', '\x11', kTcp4), "its PROXY header has an unknown version or command"},
        {binary('\x22', '\x11', kTcp4), "its PROXY header has an unknown version or command"},
        {binary('\x21', '\x12', kTcp4),
         "its PROXY header is neither of TCP over IPv4 nor over IPv6"},
        {binary('\x21', '\x31', std::string(216, 'a')),
         "its PROXY header is neither of TCP over IPv4 nor over IPv6"},
        {binary('\x21', '\x11', kTcp4.substr(1)),
         "its PROXY header is too short for its addresses"},
        {binary('\x21', '\x21', kTcp4), "its PROXY header is too short for its addresses"},
        {binary('\x21', '\x11', kTcp4 + "\x04\0"s),
         "an extension of its PROXY header is cut short"},
        {binary('\x21', '\x11', kTcp4 + "\x04\0\x05"s + "four"),
         "an extension of its PROXY header is cut short"},
        {binary('\x21', '\x11', kTcp4 + extension('\x20', "\x01")),
         "the TLS extension of its PROXY header is cut short"},
        {binary('\x21', '\x11', kTcp4 + extension('\x05', std::string(129, 'a'))),
         "the unique id of its PROXY header is longer than 128 bytes"},
        {binary('\x21', '\x11', kTcp4 + extension('\x03', "abc")),
         "the checksum of its PROXY header is not of 4 bytes"},
        {kSignature + "\x21\x11" + number(4'097),
         "its PROXY header says to be longer than 4096 bytes"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.sent);
      for (const std::size_t step : {std::size_t{1}, std::size_t{10}, row.sent.size()}) {
        const Outcome outcome = read(row.sent, step);
        CHECK(outcome.header.is_bad());
        CHECK(outcome.header.fault() == row.fault);
        CHECK_FALSE(outcome.header.has_client());
      }
    }
  }

  TEST_CASE("one that has not ended is neither") {
    for (const std::string& header : {"P"s, "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r"s,
                                      kSignature, binary('\x21', '\x11', kTcp4).substr(0, 20)}) {
      const Outcome outcome = read(header);
      CHECK_FALSE(outcome.header.is_complete());
      CHECK_FALSE(outcome.header.is_bad());
      CHECK(outcome.left.empty());
    }
  }
}

}  // namespace
}  // namespace sluice::net
