#include "tls/context.h"

#include <string>

#include <doctest/doctest.h>

#include "tests/tls/authority.h"
#include "tests/tls/meeting.h"

namespace sluice::tls {
namespace {

std::shared_ptr<const Certificate> load(const CertificateFiles& files) {
  const auto loaded = Certificate::load(files);
  REQUIRE(loaded);
  return *loaded;
}

std::shared_ptr<Context> make(const Options& options) {
  const auto made = Context::create(options);
  REQUIRE(made);
  return *made;
}

/// Certificates for a.example, b.example and *.b.example, and c.example and www.b.example.
struct House {
  [[nodiscard]] std::string shown(const std::string& name, int version = TLS1_3_VERSION) const {
    Meeting meeting(*context, {.highest_version = version, .name = name});
    return meeting.shake_hands() ? meeting.client.shown() : meeting.client.end();
  }

  Authority authority;
  Options options{
      .certificates = {load(authority.issue({.name = "first", .alternatives = "DNS:a.example"})),
                       load(authority.issue(
                           {.name = "second", .alternatives = "DNS:b.example,DNS:*.b.example"})),
                       load(authority.issue(
                           {.name = "third",
                            .alternatives = "DNS:c.example,DNS:www.b.example,DNS:b.example"}))}};
  std::shared_ptr<Context> context = make(options);
};

/// One listener that asks for certificates, and clients that come to it.
struct Guarded {
  explicit Guarded(ClientCertificates how, Authority* whom = nullptr)
      : options{.certificates = {load(authority.issue({.name = "server"}))},
                .ticket_keys = std::make_shared<TicketKeys>(),
                .client_certificates = how,
                .client_ca = *ClientCa::load((whom == nullptr ? authority : *whom).file())} {}

  /// Who the server thinks it is: "" is nobody, "refused" not let in.
  [[nodiscard]] std::string meet(const TestClient::Wishes& wishes) const {
    const auto context = make(options);
    Meeting meeting(*context, wishes);
    // With TLS 1.3 the client is done before it is looked at.
    meeting.shake_hands();
    if (!meeting.server.error().empty()) return "refused";
    const PeerCertificatePtr peer = meeting.server.peer_certificate();
    return peer ? peer->subject : "";
  }

  Authority authority;
  Options options;
};

TEST_SUITE("TLS context") {
  TEST_CASE("a client gets the certificate for the name that it asks for") {
    const House house;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CHECK(house.shown("a.example", version) == "first");
      CHECK(house.shown("b.example", version) == "second");
      CHECK(house.shown("C.Example", version) == "third");
    }
  }

  TEST_CASE("a wildcard stands for one label, and the very name goes before it") {
    const House house;
    CHECK(house.shown("x.b.example") == "second");
    CHECK(house.shown("www.b.example") == "third");
    CHECK(house.shown("x.y.b.example") == "first");
  }

  TEST_CASE("who asks for no name, or for one that nobody has, gets the first and no alert") {
    const House house;
    CHECK(house.shown("") == "first");
    CHECK(house.shown("stranger.example") == "first");
  }

  TEST_CASE("HTTP/2 is chosen whichever certificate it is") {
    const House house;
    Meeting meeting(*house.context, {.alpn = "\x02h2", .name = "b.example"});
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.server.alpn() == "h2");
  }

  TEST_CASE("a session resumes whichever certificate it began with") {
    const House house;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Meeting first(*house.context, {.highest_version = version, .name = "b.example"});
      REQUIRE(first.shake_hands());
      CHECK(first.client.read().empty());
      const auto session = first.client.session();
      Meeting second(*house.context,
                     {.highest_version = version, .resume = session.get(), .name = "b.example"});
      REQUIRE(second.shake_hands());
      CHECK(second.server.is_resumed());
    }
  }

  TEST_CASE("a connection outlives the context that it began with") {
    House house;
    Meeting meeting(*house.context, {.name = "b.example"});
    house.context.reset();
    REQUIRE(meeting.shake_hands());
    CHECK(meeting.client.shown() == "second");
  }

  TEST_CASE("each certificate has its own staple, for who wants one") {
    const Authority authority;
    CertificateFiles stapled = authority.issue({.name = "a.example"});
    stapled.ocsp = authority.answer(stapled);
    const auto context =
        make({.certificates = {load(authority.issue({.name = "plain.example"})), load(stapled)}});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const auto staple = [&](const std::string& name, bool is_wanted) {
        Meeting meeting(*context,
                        {.highest_version = version, .name = name, .wants_staple = is_wanted});
        REQUIRE(meeting.shake_hands());
        return meeting.client.staple();
      };
      CHECK(staple("a.example", true) == load(stapled)->staple().response);
      CHECK(staple("a.example", false).empty());
      CHECK(staple("plain.example", true).empty());
    }
  }

  TEST_CASE("a client that shows a certificate is known by it") {
    const Guarded guarded(ClientCertificates::optional);
    const CertificateFiles app = guarded.authority.issue(
        {.name = "app", .alternatives = "DNS:app.internal,URI:spiffe://example/app,email:a@b.c"});
    const auto context = make(guarded.options);
    Meeting meeting(*context, {.shows = app});
    REQUIRE(meeting.shake_hands());
    const PeerCertificatePtr peer = meeting.server.peer_certificate();
    REQUIRE(peer);
    CHECK(peer->subject == "CN=app");
    CHECK(peer->dns == std::vector<std::string>{"app.internal"});
    CHECK(peer->uris == std::vector<std::string>{"spiffe://example/app"});
    CHECK(peer->emails == std::vector<std::string>{"a@b.c"});
  }

  TEST_CASE("where a certificate is optional, none and one that is not believed are nobody's") {
    const Guarded guarded(ClientCertificates::optional);
    const Authority stranger;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CHECK(guarded.meet({.highest_version = version}).empty());
      CHECK(guarded.meet({.highest_version = version, .shows = stranger.issue({.name = "x"})})
                .empty());
      CHECK(guarded
                .meet({.highest_version = version,
                       .shows = guarded.authority.issue({.name = "old", .days = -1})})
                .empty());
    }
  }

  TEST_CASE("where a certificate is required, nobody else is let in") {
    const Guarded guarded(ClientCertificates::require);
    const Authority stranger;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CHECK(guarded.meet({.highest_version = version}) == "refused");
      CHECK(guarded.meet({.highest_version = version, .shows = stranger.issue({.name = "x"})}) ==
            "refused");
      CHECK(guarded.meet({.highest_version = version,
                          .shows = guarded.authority.issue({.name = "app"})}) == "CN=app");
    }
  }

  TEST_CASE("a name with a line break in it is escaped, and one with a NUL is left out") {
    const Guarded guarded(ClientCertificates::require);
    CHECK(guarded.meet({.shows = guarded.authority.issue({.name = "a\r\nx-admin: 1"})}) ==
          "CN=a\\0D\\0Ax-admin: 1");
  }

  TEST_CASE("a session resumes with whom it began, and not where others are let in") {
    Guarded guarded(ClientCertificates::require);
    Authority other;
    const auto app = guarded.authority.issue({.name = "app"});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      Meeting first(*make(guarded.options), {.highest_version = version, .shows = app});
      REQUIRE(first.shake_hands());
      CHECK(first.client.read().empty());
      const auto session = first.client.session();
      const TestClient::Wishes again{.highest_version = version, .resume = session.get()};
      {
        Meeting second(*make(guarded.options), again);
        REQUIRE(second.shake_hands());
        CHECK(second.server.is_resumed());
        CHECK(second.server.peer_certificate()->subject == "CN=app");
      }
      Options changed = guarded.options;
      changed.client_ca = *ClientCa::load(other.file());
      Meeting third(*make(changed), again);
      third.shake_hands();
      CHECK_FALSE(third.server.is_resumed());
      CHECK_FALSE(third.server.error().empty());
    }
  }

  TEST_CASE("the library says its version") {
    CHECK(library_version().starts_with("OpenSSL 3."));
  }
}

}  // namespace
}  // namespace sluice::tls
