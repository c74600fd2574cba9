#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "tests/h1/client.h"

namespace sluice::h1 {
namespace {

using namespace std::chrono_literals;

std::string fields(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += "x" + std::to_string(i) + ": 1\r\n";
  return text;
}

TEST_SUITE("HTTP/1.1 limits") {
  TEST_CASE("100 fields are taken, 101 are not") {
    Client client;
    CHECK(client.say(get("/hello", fields(99))) == ok("hello"));
    CHECK(begins(client.say(get("/hello", fields(100))),
                 "HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a head of 32 KiB is taken, one more byte is not, however it is cut") {
    const std::size_t rest = 32_KiB - get("/hello", "x: \r\n").size();
    Client fits;
    CHECK(fits.say(get("/hello", "x: " + std::string(rest, 'x') + "\r\n")) == ok("hello"));
    const auto larger = get("/hello", "x: " + std::string(rest + 1, 'x') + "\r\n");
    Client whole;
    Client cut;
    CHECK(begins(whole.say(larger), "HTTP/1.1 431 "));
    CHECK(begins(cut.spell(larger), "HTTP/1.1 431 "));
  }

  TEST_CASE("a head that never ends is refused when it is too large") {
    Client client;
    std::string heard = client.say("GET /hello HTTP/1.1\r\nhost: a\r\n");
    for (int i = 0; i < 40 && heard.empty(); ++i)
      heard = client.say("x: " + std::string(1000, 'x') + "\r\n");
    CHECK(begins(heard, "HTTP/1.1 431 "));
  }

  TEST_CASE("a request line that never ends is too long") {
    Client client;
    CHECK(begins(client.say("GET /" + std::string(33_KiB, 'x')), "HTTP/1.1 414 "));
  }

  TEST_CASE("after a refusal nothing more is read") {
    Client client;
    CHECK(client.say("nonsense\r\n\r\n" + get("/hello")) ==
          "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n"
          "content-length: 23\r\nconnection: close\r\n\r\nmalformed request line\n");
    CHECK(client.say(get("/hello")).empty());
    CHECK(client.session->is_finished());
    CHECK(client.requests.empty());
    CHECK(client.counters.refused.value() == 1);
  }

  TEST_CASE("chunk extensions and trailers are bounded") {
    const std::string head = "POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    Client extensions;
    CHECK(begins(extensions.say(head + "1;" + std::string(5000, 'x') + "\r\n"), "HTTP/1.1 400 "));
    Client trailers;
    CHECK(
        begins(trailers.say(head + "0\r\nx: " + std::string(9000, 'x') + "\r\n"), "HTTP/1.1 400 "));
  }
}

TEST_SUITE("HTTP/1.1 time limits") {
  TEST_CASE("an idle connection is closed later than load balancers stop using it") {
    Client client;
    client.say(get("/hello"));
    client.pass(74s);
    CHECK_FALSE(client.session->is_finished());
    client.pass(1s);
    CHECK(client.session->is_finished());
    CHECK(client.hear().empty());
  }

  TEST_CASE("each request gives an idle connection its whole time again") {
    Client client;
    for (int i = 0; i < 3; ++i) {
      client.pass(70s);
      CHECK(client.say(get("/hello")) == ok("hello"));
    }
  }

  TEST_CASE("a head must be complete within its time, counted from its first byte") {
    Client client;
    client.pass(60s);
    client.say("GET /");
    for (int i = 0; i < 9; ++i) {
      client.pass(1s);
      CHECK(client.say("x").empty());
    }
    client.pass(1s);
    CHECK(begins(client.hear(), "HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(client.session->is_finished());
    CHECK(client.counters.timeouts.value() == 1);
  }

  TEST_CASE("the session asks to be looked at early enough to catch a slow head") {
    Client client;
    CHECK(client.session->check(client.clock.now()) <= client.clock.now() + 5s);
  }

  TEST_CASE("a body must go on within its time") {
    Client client;
    client.say("POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      client.pass(29s);
      CHECK(client.say("x").empty());
    }
    client.pass(30s);
    CHECK(client.stage.alive == 0);
    CHECK(begins(client.hear(), "HTTP/1.1 408 "));
    CHECK(client.session->is_finished());
  }

  TEST_CASE("the time during which we do not read a body is not the client's fault") {
    Client client;
    client.stage.consumes = false;
    client.say("POST /slow HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\n\r\n" +
               std::string(80000, 'x'));
    client.pass(1h);
    CHECK(client.stage.alive == 1);
    client.stage.exchange->consume(80000);
    client.pass(29s);
    CHECK(client.stage.alive == 1);
    client.pass(1s);
    CHECK(client.stage.alive == 0);
  }

  TEST_CASE("a publisher's stream may be silent for as long as its answer lasts") {
    Client client;
    client.say("POST /page HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
    client.pass(1h);
    CHECK(client.stage.alive == 1);
  }

  TEST_CASE("the rest of a body that nobody wants must come within its time too") {
    Client client;
    client.say("POST /nothing HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
    client.pass(29s);
    CHECK_FALSE(client.session->is_finished());
    client.pass(1s);
    CHECK(client.session->is_finished());
    CHECK(client.hear().empty());
  }

  TEST_CASE("a silent event stream lives for ever") {
    Client client;
    client.say(get("/stream"));
    client.pass(24h);
    CHECK(client.stage.alive == 1);
    CHECK_FALSE(client.session->is_finished());
  }

  TEST_CASE("an event stream that nobody fetches from is ended") {
    Client client;
    client.say(get("/stream"));
    client.stage.ready = std::string(100000, 'x');
    OutBuffer out;
    CHECK(client.session->fill(out));
    client.pass(59s);
    CHECK(client.stage.alive == 1);
    client.pass(1s);
    CHECK(client.stage.alive == 0);
    CHECK(client.session->is_finished());
  }
}

}  // namespace
}  // namespace sluice::h1
