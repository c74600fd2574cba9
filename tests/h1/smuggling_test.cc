#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/h1/client.h"

namespace sluice::h1 {
namespace {

using namespace std::string_view_literals;

struct Probe {
  std::string_view name;
  std::string_view bytes;
  std::string_view status = "400";
};

constexpr std::string_view kChunked =
    "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";

const std::vector<Probe> kHeads{
    {"content-length beside transfer-encoding",
     "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"},
    {"transfer-encoding beside content-length",
     "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n"},
    {"two lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"},
    {"the same length twice",
     "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n"},
    {"a list of lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5, 5\r\n\r\n"},
    {"a signed length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +5\r\n\r\n"},
    {"a negative length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n"},
    {"a hex length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x5\r\n\r\n"},
    {"an empty length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length:\r\n\r\n"},
    {"a length past 64 bits",
     "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 18446744073709551616\r\n\r\n"},
    {"a length with a blank inside", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5 5\r\n\r\n"},
    {"chunked before another coding",
     "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, x\r\n\r\n"},
    {"chunked after another coding",
     "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: identity, chunked\r\n\r\n"},
    {"chunked in two fields",
     "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: "
     "chunked\r\n\r\n"},
    {"another coding", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n"},
    {"no coding", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\r\n\r\n"},
    {"a coding with a vertical tab",
     "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \vchunked\r\n\r\n"},
    {"a quoted coding", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: \"chunked\"\r\n\r\n"},
    {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"},
    {"a blank before a colon", "GET / HTTP/1.1\r\nhost : a\r\n\r\n"},
    {"a blank before the colon of a length",
     "GET / HTTP/1.1\r\nhost: a\r\ncontent-length : 5\r\n\r\n"},
    {"a tab before a colon", "GET / HTTP/1.1\r\nhost: a\r\nx\t: 5\r\n\r\n"},
    {"a folded line", "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n content-length: 5\r\n\r\n"},
    {"a line folded with a tab", "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\tz\r\n\r\n"},
    {"a folded first line", "GET / HTTP/1.1\r\n host: a\r\n\r\n"},
    {"a name that is no token", "GET / HTTP/1.1\r\nhost: a\r\nx(y): z\r\n\r\n"},
    {"a name with a byte above ASCII", "GET / HTTP/1.1\r\nhost: a\r\nx\xC3\xA9: z\r\n\r\n"},
    {"no name", "GET / HTTP/1.1\r\nhost: a\r\n: z\r\n\r\n"},
    {"no colon", "GET / HTTP/1.1\r\nhost: a\r\nxyz\r\n\r\n"},
    {"NUL in a name", "GET / HTTP/1.1\r\nhost: a\r\nx\0y: z\r\n\r\n"sv},
    {"NUL in a value", "GET / HTTP/1.1\r\nhost: a\r\nx: y\0z\r\n\r\n"sv},
    {"a bare CR in a value", "GET / HTTP/1.1\r\nhost: a\r\nx: y\rz: 1\r\n\r\n"},
    {"DEL in a value", "GET / HTTP/1.1\r\nhost: a\r\nx: y\x7Fz\r\n\r\n"},
    {"a bare CR in the request line", "GET /\r HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"bare LF after the request line", "GET / HTTP/1.1\nhost: a\r\n\r\n"},
    {"bare LF after a field", "GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n"},
    {"bare LF as the end", "GET / HTTP/1.1\r\nhost: a\r\n\n"},
    {"no host", "GET / HTTP/1.1\r\nx: y\r\n\r\n"},
    {"two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"},
    {"two hosts in HTTP/1.0", "GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n"},
    {"an empty host", "GET / HTTP/1.1\r\nhost:\r\n\r\n"},
    {"a list of hosts", "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n"},
    {"a host with userinfo", "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n"},
    {"a host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n"},
    {"a host with a blank", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"},
    {"a target of another host", "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a target with userinfo", "GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a target of another scheme", "GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a target without a host", "GET http:///x HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a relative target", "GET x HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"the asterisk", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a fragment", "GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a backslash", "GET /a\\b HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a control character in the target", "GET /a\x01 HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a byte above ASCII in the target", "GET /\xC3\xA9 HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a blank in the target", "GET /a b HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a tab in the request line", "GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"two blanks in the request line", "GET  / HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a blank before the method", " GET / HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"a blank after the version", "GET / HTTP/1.1 \r\nhost: a\r\n\r\n"},
    {"HTTP/0.9", "GET /\r\nhost: a\r\n\r\n"},
    {"a version in small letters", "GET / http/1.1\r\nhost: a\r\n\r\n"},
    {"a version with more digits", "GET / HTTP/1.10\r\nhost: a\r\n\r\n"},
    {"many blank lines", "\r\n\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"},
    {"HTTP/2.0 as a version", "GET / HTTP/2.0\r\nhost: a\r\n\r\n", "505"},
    {"HTTP/1.2 as a version", "GET / HTTP/1.2\r\nhost: a\r\n\r\n", "505"},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
    {"an unknown method", "BREW / HTTP/1.1\r\nhost: a\r\n\r\n", "501"},
    {"a tunnel", "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"},
    {"a tunnel to a path", "CONNECT / HTTP/1.1\r\nhost: a\r\n\r\n", "501"},
    {"another expectation", "POST / HTTP/1.1\r\nhost: a\r\nexpect: magic\r\n\r\n", "417"},
};

/// What comes after kChunked.
const std::vector<Probe> kBodies{
    {"a signed size", "+5\r\nhello\r\n0\r\n\r\n"},
    {"a negative size", "-5\r\nhello\r\n0\r\n\r\n"},
    {"a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"},
    {"no size", "\r\nhello\r\n0\r\n\r\n"},
    {"no size but an extension", ";a\r\nhello\r\n0\r\n\r\n"},
    {"a blank before the size", " 5\r\nhello\r\n0\r\n\r\n"},
    {"a blank after the size", "5 \r\nhello\r\n0\r\n\r\n"},
    {"a size past 64 bits", "fffffffffffffffff\r\nhello"},
    {"a size of endless zeros", "00000000000000000005\r\nhello\r\n0\r\n\r\n"},
    {"bare LF after the size", "5\nhello\r\n0\r\n\r\n"},
    {"CR and something else after the size", "5\rXhello\r\n0\r\n\r\n"},
    {"bare LF in an extension", "5;a\nX\r\nhello\r\n0\r\n\r\n"},
    {"bare CR in an extension", "5;a\rX\r\nhello\r\n0\r\n\r\n"},
    {"bare LF in a quoted extension", "5;a=\"x\ny\"\r\nhello\r\n0\r\n\r\n"},
    {"no line end after a chunk", "5\r\nhelloXX0\r\n\r\n"},
    {"bare LF after a chunk", "5\r\nhello\n0\r\n\r\n"},
    {"CR and something else after a chunk", "5\r\nhello\rX0\r\n\r\n"},
    {"bare LF as the end", "5\r\nhello\r\n0\r\n\n"},
    {"CR and something else as the end", "5\r\nhello\r\n0\r\n\rX"},
    {"bare LF after a trailer", "5\r\nhello\r\n0\r\nx: y\n\r\n"},
    {"bare CR in a trailer", "5\r\nhello\r\n0\r\nx: y\rz: 1\r\n\r\n"},
    {"a folded trailer", "5\r\nhello\r\n0\r\n x: y\r\n\r\n"},
    {"NUL in a trailer", "5\r\nhello\r\n0\r\nx: \0\r\n\r\n"sv},
};

/// A request that must never be seen: what a smuggler hides behind a probe.
constexpr std::string_view kHidden = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";

void check_refused(const Probe& probe, std::string_view before) {
  CAPTURE(probe.name);
  const std::string all = std::string(before) + std::string(probe.bytes) + std::string(kHidden);
  Client whole;
  Client cut;
  const std::string heard = whole.say(all);
  CHECK(begins(heard, "HTTP/1.1 " + std::string(probe.status) + " "));
  CHECK(heard.find("connection: close\r\n") != std::string::npos);
  CHECK(heard.find("\nHTTP/1.1 ") == std::string::npos);
  CHECK(cut.spell(all) == heard);
  for (Client* client : {&whole, &cut}) {
    CHECK(client->session->is_finished());
    for (const auto& request : client->requests) CHECK(request.path != "/hidden");
  }
}

TEST_SUITE("request smuggling") {
  TEST_CASE(
      "a head that two readers could read differently is refused, and nothing after it read") {
    for (const Probe& probe : kHeads) check_refused(probe, "");
  }

  TEST_CASE("a chunked body that two readers could read differently is refused likewise") {
    for (const Probe& probe : kBodies) check_refused(probe, kChunked);
  }

  TEST_CASE("the same body, well-formed, is taken, and so is the request behind it") {
    Client client;
    const std::string heard =
        client.say(std::string(kChunked) + "5\r\nhello\r\n0\r\n\r\n" + std::string(kHidden));
    CHECK(begins(heard, ok("hello") + "HTTP/1.1 404 "));
    CHECK(client.requests.size() == 2);
  }

  TEST_CASE("an answer that did not need the body is still given, and the connection ends") {
    Client client;
    const std::string heard = client.say(
        "POST /nothing HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nwhat\r\n");
    CHECK(begins(heard, "HTTP/1.1 404 "));
    CHECK(heard.find("nothing here") != std::string::npos);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a broken body cuts an answer that has begun") {
    Client client;
    client.say("POST /page HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    CHECK(client.say("what\r\n").empty());
    CHECK(client.stage.alive == 0);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a request to upgrade is answered in HTTP/1.1, and its body is a body") {
    Client client;
    CHECK(client.say(post("/echo", "GET /hidden HTTP/1.1\r\n\r\n",
                          "connection: upgrade\r\nupgrade: h2c\r\n")) ==
          ok("GET /hidden HTTP/1.1\r\n\r\n"));
  }
}

}  // namespace
}  // namespace sluice::h1
