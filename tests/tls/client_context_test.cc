#include "tls/client_context.h"

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/pem.h>

#include "tests/tls/client.h"
#include "tls/session.h"

namespace sluice::tls {
namespace {

using ClientOptions = ClientContext::Options;
using Protocols = ClientContext::Protocols;

std::shared_ptr<const ClientContext> make(const ClientOptions& options) {
  auto made = ClientContext::create(options);
  REQUIRE(made);
  return *made;
}

std::string fault(const ClientOptions& options) {
  const auto made = ClientContext::create(options);
  REQUIRE_FALSE(made);
  return made.error().what;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Both of our sides, joined by a socket pair.
struct Meeting {
  Meeting(const Context& context, const ClientContext& ours, const std::string& host)
      : Meeting(context, ours, host, socket_pair()) {}
  Meeting(const Context& context, const ClientContext& ours, const std::string& host,
          SocketPair pair)
      : sockets(std::move(pair)),
        server(context, sockets.server.get()),
        client(ours, host, sockets.client.get()) {}

  /// True: both sides are done.
  bool shake_hands() {
    Io one = Io::want_read;
    Io other = Io::want_read;
    for (int turns = 0; turns < 20 && one != Io::failed && other != Io::failed; ++turns) {
      if (one != Io::ok) one = client.handshake();
      if (other != Io::ok) other = server.handshake();
      if (one == Io::ok && other == Io::ok) return true;
    }
    return false;
  }
  /// What the client reads; on the way it takes the server's tickets in.
  std::string client_reads() {
    std::string text(100, '\0');
    const IoResult result = client.read(std::as_writable_bytes(std::span(text)));
    text.resize(result.n);
    return text;
  }

  SocketPair sockets;
  Session server;
  Session client;
};

/// A server with a certificate for localhost, 127.0.0.1 and ::1, and a client that trusts it.
struct House {
  [[nodiscard]] ClientOptions options() const { return {.ca_file = certificate.certificate}; }
  /// One connection, on which the client has read all. Whether it was resumed, and the reason if
  /// there was none.
  std::string connect(const std::string& host) {
    Meeting meeting(*context, *client, host);
    if (!meeting.shake_hands()) return meeting.client.error();
    CHECK(meeting.client_reads().empty());
    meeting.client.shutdown();
    return meeting.client.is_resumed() ? "resumed" : "new";
  }

  TestCertificate certificate;
  std::shared_ptr<Context> context = certificate.context();
  std::shared_ptr<const ClientContext> client = make(options());
};

/// What the server's side of OpenSSL has been told and shown.
std::string told_name;
bool was_shown = false;

int note_name(SSL* ssl, int*, void*) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) told_name = name;
  return SSL_TLSEXT_ERR_OK;
}

int believe(int, X509_STORE_CTX*) {
  was_shown = true;
  return 1;
}

/// A self-signed certificate for localhost whose time was over a day ago.
void write_expired(const TestCertificate& into) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const CHandle<X509, X509_free> made(X509_new());
  const unsigned char name[] = "localhost";
  constexpr long kDay = 86'400;
  X509_set_version(made.get(), 2);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), -kDay);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(made.get(), subject);
  REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  const CHandle<std::FILE, std::fclose> to(std::fopen(into.certificate.c_str(), "w"));
  const CHandle<std::FILE, std::fclose> key_to(std::fopen(into.key.c_str(), "w"));
  REQUIRE(PEM_write_X509(to.get(), made.get()) == 1);
  REQUIRE(PEM_write_PrivateKey(key_to.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
          1);
}

TEST_SUITE("TLS client") {
  TEST_CASE("what one side writes the other side reads") {
    House house;
    Meeting meeting(*house.context, *house.client, "localhost");
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client.version() == "TLSv1.3");
    CHECK(meeting.client.write(bytes_of("ping")).n == 4);
    std::byte heard[10];
    CHECK(meeting.server.read(heard).n == 4);
    CHECK(meeting.server.write(bytes_of("pong")).n == 4);
    CHECK(meeting.client_reads() == "pong");
    meeting.server.shutdown();
    CHECK(meeting.client.read(heard).io == Io::closed);
  }

  TEST_CASE("the certificate may be for the name or the address that is called") {
    House house;
    for (const char* host : {"localhost", "localhost.", "LOCALHOST", "127.0.0.1", "::1"}) {
      CAPTURE(host);
      house.client = make(house.options());
      CHECK(house.connect(host) == "new");
    }
  }

  TEST_CASE("a certificate for another name or address is refused") {
    House house;
    CHECK(house.connect("example.org") == "hostname mismatch");
    CHECK(house.connect("127.0.0.2") == "IP address mismatch");
  }

  TEST_CASE("a certificate that nobody vouches for is refused, unless none is looked at") {
    House house;
    const TestCertificate stranger;
    house.client = make({.ca_file = stranger.certificate});
    CHECK(house.connect("localhost") == "self-signed certificate");
    house.client = make({});
    CHECK(house.connect("localhost") == "self-signed certificate");
    house.client = make({.verify = false});
    CHECK(house.connect("example.org") == "new");
  }

  TEST_CASE("a certificate whose time is over is refused") {
    House house;
    write_expired(house.certificate);
    house.context = house.certificate.context();
    house.client = make(house.options());
    CHECK(house.connect("localhost") == "certificate has expired");
  }

  TEST_CASE("a name is told to the server, an address is not") {
    House house;
    // What SSL_CTX_set_tlsext_servername_callback() does, without its cast.
    SSL_CTX_callback_ctrl(house.context->handle(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(&note_name));
    const auto told = [&house](const char* host) {
      told_name = "nothing";
      Meeting meeting(*house.context, *house.client, host);
      REQUIRE(meeting.shake_hands());
      return told_name;
    };
    CHECK(told("localhost") == "localhost");
    CHECK(told("localhost.") == "localhost");
    CHECK(told("127.0.0.1") == "nothing");
    CHECK(told("::1") == "nothing");
  }

  TEST_CASE("a name that no server can have fails, and nothing is sent") {
    House house;
    for (const std::string& host : {std::string(), std::string("."), std::string("a\0b", 3),
                                    std::string("127.0.0.1\0b", 11), std::string(300, 'a')}) {
      CHECK(house.connect(host) == "no server can have this name");
    }
  }

  TEST_CASE("it offers what it was told to") {
    House house;
    const auto chosen = [&house](Protocols protocols, bool server_has_http2) {
      Options options = house.certificate.options();
      options.http2 = server_has_http2;
      const auto context = Context::create(options);
      ClientOptions ours = house.options();
      ours.protocols = protocols;
      const auto client = make(ours);
      Meeting meeting(**context, *client, "localhost");
      if (!meeting.shake_hands()) return std::string("none");
      return std::string(meeting.client.alpn());
    };
    CHECK(chosen(Protocols::http2_or_http1, true) == "h2");
    CHECK(chosen(Protocols::http2_or_http1, false) == "http/1.1");
    CHECK(chosen(Protocols::http1, true) == "http/1.1");
    CHECK(chosen(Protocols::http2, true) == "h2");
    CHECK(chosen(Protocols::http2, false) == "none");
  }

  TEST_CASE("its certificate is shown to a server that asks for one") {
    House house;
    const TestCertificate ours;
    was_shown = false;
    SSL_CTX_set_verify(house.context->handle(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       &believe);
    ClientOptions options = house.options();
    options.certificate_file = ours.certificate;
    options.key_file = ours.key;
    Meeting with(*house.context, *make(options), "localhost");
    CHECK(with.shake_hands());
    CHECK(was_shown);
    Meeting without(*house.context, *house.client, "localhost");
    CHECK_FALSE(without.shake_hands());
    CHECK(without.server.error() == "peer did not return a certificate");
  }

  TEST_CASE("one that ends in the middle of the handshake has closed, not failed") {
    House house;
    SocketPair pair = socket_pair();
    Session client(*house.client, "localhost", pair.client.get());
    CHECK(client.handshake() == Io::want_read);
    REQUIRE(::shutdown(pair.server.get(), SHUT_WR) == 0);
    CHECK(client.handshake() == Io::closed);
  }
}

TEST_SUITE("TLS client that comes back") {
  TEST_CASE("it resumes its session, over and over") {
    House house;
    CHECK(house.connect("localhost") == "new");
    for (int i = 0; i < 5; ++i) CHECK(house.connect("localhost") == "resumed");
  }

  TEST_CASE("with TLS 1.2, too") {
    House house;
    SSL_CTX_set_max_proto_version(house.context->handle(), TLS1_2_VERSION);
    CHECK(house.connect("localhost") == "new");
    for (int i = 0; i < 5; ++i) CHECK(house.connect("localhost") == "resumed");
  }

  TEST_CASE("a session is used for the name it was made for, and for no other") {
    House house;
    CHECK(house.connect("localhost") == "new");
    CHECK(house.connect("127.0.0.1") == "new");
    CHECK(house.connect("example.org") == "hostname mismatch");
    CHECK(house.connect("127.0.0.1") == "resumed");
    CHECK(house.connect("localhost") == "resumed");
  }

  TEST_CASE("a ticket of TLS 1.3 is used once") {
    House house;
    CHECK(house.connect("localhost") == "new");
    Meeting one(*house.context, *house.client, "localhost");
    Meeting other(*house.context, *house.client, "localhost");
    REQUIRE(one.shake_hands());
    REQUIRE(other.shake_hands());
    CHECK(one.client.is_resumed());
    CHECK_FALSE(other.client.is_resumed());
  }

  TEST_CASE("only the latest sessions are kept") {
    House house;
    Options options = house.certificate.options();
    options.tickets = 2 * ClientContext::kSessions;
    house.context = *Context::create(options);
    CHECK(house.connect("localhost") == "new");
    std::vector<std::unique_ptr<Meeting>> meetings;
    std::size_t resumed = 0;
    for (std::size_t i = 0; i < options.tickets; ++i) {
      auto& meeting = *meetings.emplace_back(
          std::make_unique<Meeting>(*house.context, *house.client, "localhost"));
      REQUIRE(meeting.shake_hands());
      if (meeting.client.is_resumed()) ++resumed;
    }
    CHECK(resumed == ClientContext::kSessions);
  }

  TEST_CASE("one that was cut off without a word resumes, too") {
    House house;
    {
      Meeting meeting(*house.context, *house.client, "localhost");
      REQUIRE(meeting.shake_hands());
      CHECK(meeting.client_reads().empty());
    }
    CHECK(house.connect("localhost") == "resumed");
  }

  TEST_CASE("a server that has forgotten the session gets a whole handshake") {
    House house;
    CHECK(house.connect("localhost") == "new");
    house.context = house.certificate.context();
    CHECK(house.connect("localhost") == "new");
  }

  TEST_CASE("a session outlives the context that made it, and may still bring tickets") {
    House house;
    Meeting meeting(*house.context, *house.client, "localhost");
    house.client.reset();
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client_reads().empty());
  }

  TEST_CASE("several threads share the sessions") {
    House house;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&house] {
        for (int j = 0; j < 20; ++j) {
          Meeting meeting(*house.context, *house.client, "localhost");
          meeting.shake_hands();
          meeting.client_reads();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(house.connect("localhost") == "resumed");
  }
}

TEST_SUITE("TLS client context") {
  TEST_CASE("a CA file that is not there is named") {
    CHECK(fault({.ca_file = "/nowhere/ca.pem"}) ==
          "cannot read the CA file /nowhere/ca.pem: No such file or directory");
  }

  TEST_CASE("a CA file without a certificate is named") {
    const TestCertificate good;
    std::ofstream(good.certificate) << "hello\n";
    CHECK(fault({.ca_file = good.certificate})
              .starts_with("the CA file " + good.certificate +
                           " holds no certificate in PEM form: "));
  }

  TEST_CASE("a certificate without its key is refused, and a key without its certificate") {
    CHECK(fault({.certificate_file = "ours.pem"}) ==
          "the certificate in ours.pem has no key beside it");
    CHECK(fault({.key_file = "key.pem"}) == "the key in key.pem has no certificate beside it");
  }

  TEST_CASE("a key that belongs to another certificate is refused") {
    const TestCertificate one;
    const TestCertificate other;
    CHECK(fault({.certificate_file = one.certificate, .key_file = other.key}) ==
          "the key in " + other.key + " does not belong to the certificate in " + one.certificate);
  }
}

}  // namespace
}  // namespace sluice::tls
