#include "tls/session.h"

#include <cstddef>
#include <span>
#include <string>

#include <doctest/doctest.h>

#include "tests/tls/meeting.h"

namespace sluice::tls {
namespace {

const std::string kHttp2 = "\x02h2";
const std::string kHttp1 = "\x08http/1.1";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

TEST_SUITE("TLS session") {
  TEST_CASE("what one side writes the other side reads") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client.write("ping") == 4);
    CHECK(meeting.server_reads() == "ping");
    CHECK(meeting.server.write(bytes_of("pong")).n == 4);
    CHECK(meeting.client.read() == "pong");
    CHECK(meeting.server.version() == "TLSv1.3");
    CHECK(meeting.server.bytes_sent() > 4);
  }

  TEST_CASE("HTTP/2 is chosen when the client offers it, whatever its order") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {.alpn = kHttp1 + kHttp2});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn() == "h2");
  }

  TEST_CASE("HTTP/1.1 is chosen when the client offers nothing better") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {.alpn = kHttp1});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn() == "http/1.1");
  }

  TEST_CASE("a client without ALPN is let in, and nothing is chosen") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn().empty());
  }

  TEST_CASE("a client that offers only strange protocols gets the alert that says so") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {.alpn = "\x06spdy/3"});
    CHECK_FALSE(meeting.shake_hands());
    CHECK(meeting.client.end() == "tlsv1 alert no application protocol");
    CHECK_FALSE(meeting.server.error().empty());
  }

  TEST_CASE("without HTTP/2 in the options it is not chosen") {
    const TestCertificate certificate;
    Options options = certificate.options();
    options.http2 = false;
    const auto context = Context::create(options);
    REQUIRE(context);
    Meeting meeting(**context, {.alpn = kHttp2 + kHttp1});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn() == "http/1.1");
  }

  TEST_CASE("TLS 1.2 is spoken with ephemeral keys") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {.highest_version = TLS1_2_VERSION});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.version() == "TLSv1.2");
    CHECK(meeting.server.cipher().starts_with("ECDHE-ECDSA-"));
  }

  TEST_CASE("the cheapest cipher is chosen, which for a client that prefers ChaCha20 is that") {
    const TestCertificate certificate;
    const auto chosen = [&](const std::string& suites) {
      Meeting meeting(*certificate.context(), {.suites = suites});
      REQUIRE(meeting.shake_hands());
      return meeting.server.cipher();
    };
    CHECK(chosen("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") ==
          "TLS_AES_128_GCM_SHA256");
    CHECK(chosen("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") ==
          "TLS_CHACHA20_POLY1305_SHA256");
  }

  TEST_CASE("TLS 1.1 is refused") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(),
                    {.highest_version = TLS1_1_VERSION, .old_versions = true});
    CHECK_FALSE(meeting.shake_hands());
    CHECK(meeting.client.end() == "tlsv1 alert protocol version");
  }

  TEST_CASE("a client that comes back with its ticket resumes its session") {
    const TestCertificate certificate;
    const auto context = certificate.context();
    Meeting first(*context, {});
    REQUIRE(first.shake_hands());
    CHECK(first.client.read().empty());  // Takes the ticket in.
    const auto session = first.client.session();
    Meeting second(*context, {.resume = session.get()});
    REQUIRE(second.shake_hands());
    CHECK(second.server.is_resumed());
    CHECK(second.client.is_resumed());
  }

  TEST_CASE("without tickets nobody resumes") {
    const TestCertificate certificate;
    Options options = certificate.options();
    options.tickets = 0;
    const auto context = Context::create(options);
    REQUIRE(context);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Meeting first(**context, {.highest_version = version});
      REQUIRE(first.shake_hands());
      CHECK(first.client.read().empty());
      const auto session = first.client.session();
      Meeting second(**context, {.highest_version = version, .resume = session.get()});
      REQUIRE(second.shake_hands());
      CHECK_FALSE(second.server.is_resumed());
    }
  }

  TEST_CASE("shutdown tells the client that this is the end") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {});
    REQUIRE(meeting.shake_hands());
    meeting.server.shutdown();
    CHECK(meeting.client.read().empty());
    CHECK(meeting.client.end() == "closed");
  }

  TEST_CASE("a client that goes away without close_notify has closed, not failed") {
    const TestCertificate certificate;
    Meeting meeting(*certificate.context(), {});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client.read().empty());
    REQUIRE(::shutdown(meeting.client.fd(), SHUT_WR) == 0);
    std::byte buffer[16];
    CHECK(meeting.server.read(buffer).io == Io::closed);
  }

  TEST_CASE("what is not TLS fails, and the error says how") {
    const TestCertificate certificate;
    const auto context = certificate.context();
    SocketPair pair = socket_pair();
    Session server(*context, pair.server.get());
    REQUIRE(::send(pair.client.get(), "GET / HTTP/1.1\r\n\r\n", 18, 0) == 18);
    CHECK(server.handshake() == Io::failed);
    CHECK(server.error() == "http request");
  }

  TEST_CASE("writing to a client that is gone fails and raises no signal") {
    const TestCertificate certificate;
    const auto context = certificate.context();
    SocketPair pair = socket_pair();
    Session server(*context, pair.server.get());
    {
      TestClient client(std::move(pair.client), {});
      while (server.handshake() != Io::ok) client.handshake();
    }
    IoResult result{Io::ok, 0};
    for (int i = 0; i < 3 && result.io == Io::ok; ++i) result = server.write(bytes_of("news"));
    CHECK(result.io == Io::failed);
  }

  TEST_CASE("a session outlives the context that made it") {
    const TestCertificate certificate;
    auto context = certificate.context();
    Meeting meeting(*context, {.alpn = kHttp2});
    context.reset();
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn() == "h2");
  }
}

}  // namespace
}  // namespace sluice::tls
