#include "tls/certificate.h"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/pem.h>

#include "tests/tls/authority.h"
#include "tests/tls/client.h"
#include "tls/client_ca.h"
#include "tls/ticket_keys.h"

namespace sluice::tls {
namespace {

using Names = std::vector<std::string>;

void write_text(const std::string& file, const std::string& text) {
  std::ofstream(file) << text;
}

std::string fault(const CertificateFiles& files) {
  const auto certificate = Certificate::load(files);
  REQUIRE_FALSE(certificate);
  return certificate.error().what;
}

void write_encrypted_key(const std::string& file) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const CHandle<std::FILE, std::fclose> out(std::fopen(file.c_str(), "w"));
  const unsigned char password[] = "secret";
  REQUIRE(PEM_write_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password, 6, nullptr,
                               nullptr) == 1);
}

TEST_SUITE("TLS certificate") {
  TEST_CASE("a certificate that is not there is named") {
    const TestCertificate good;
    CHECK(fault({.certificate = "/nowhere/cert.pem", .key = good.key}) ==
          "cannot read the certificate file /nowhere/cert.pem: No such file or directory");
  }

  TEST_CASE("a key that is not there is named") {
    const TestCertificate good;
    CHECK(fault({.certificate = good.certificate, .key = "/nowhere/key.pem"}) ==
          "cannot read the key file /nowhere/key.pem: No such file or directory");
  }

  TEST_CASE("a pipe in the place of a certificate or a key is refused, not waited for") {
    const TestCertificate good;
    const std::string pipe = good.certificate + ".pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const std::string why = pipe + ": it is a pipe, and has to be a regular file";
    CHECK(fault({.certificate = pipe, .key = good.key}) ==
          "cannot read the certificate file " + why);
    CHECK(fault({.certificate = good.certificate, .key = pipe}) ==
          "cannot read the key file " + why);
    const auto authorities = ClientCa::load(pipe);
    REQUIRE_FALSE(authorities);
    CHECK(authorities.error().what == "cannot read the client CA file " + why);
    CHECK_FALSE(TicketKey::read(pipe).has_value());
    CertificateFiles stapled = good.files();
    stapled.ocsp = pipe;
    CHECK(Certificate::load(stapled).value()->staple().response.empty());
  }

  TEST_CASE("a file that is no certificate is named") {
    const TestCertificate good;
    write_text(good.certificate, "hello\n");
    const std::string what = fault(good.files());
    CHECK(what.starts_with(good.certificate + " is not a certificate"));
    CHECK(what.ends_with("no start line"));
  }

  TEST_CASE("a file that is no key is named") {
    const TestCertificate good;
    write_text(good.key, "hello\n");
    CHECK(fault(good.files()).starts_with(good.key + " holds no private key in PEM form"));
  }

  TEST_CASE("a key that belongs to another certificate is refused") {
    const TestCertificate one;
    const TestCertificate other;
    CHECK(fault({.certificate = one.certificate, .key = other.key}) ==
          "the key in " + other.key + " does not belong to the certificate in " + one.certificate);
  }

  TEST_CASE("an encrypted key is refused and nobody is asked for its passphrase") {
    const TestCertificate good;
    write_encrypted_key(good.key);
    CHECK(fault(good.files()).starts_with("the key in " + good.key + " is encrypted"));
  }

  TEST_CASE("its names are those that clients may ask for, in lower case") {
    const Authority authority;
    const auto names = [&](const Issue& issue) {
      return (*Certificate::load(authority.issue(issue)))->names();
    };
    CHECK(names({.name = "x", .alternatives = "DNS:App.example,DNS:*.app.example,IP:127.0.0.1"}) ==
          Names{"app.example", "*.app.example"});
    CHECK(names({.name = "old.example"}) == Names{"old.example"});
    CHECK(names({.name = "x", .alternatives = "DNS:a*.example,DNS:*.*.example,DNS:ok.example"}) ==
          Names{"ok.example"});
  }

  TEST_CASE("it says when it expires") {
    const Authority authority;
    const auto certificate = Certificate::load(authority.issue({.name = "a", .days = 10}));
    const auto left = (*certificate)->expires() - std::chrono::system_clock::now();
    CHECK(left > std::chrono::hours(239));
    CHECK(left <= std::chrono::hours(240));
  }

  TEST_CASE("an OCSP response that says \"good\" is stapled") {
    const Authority authority;
    CertificateFiles files = authority.issue({.name = "a.example"});
    files.ocsp = authority.answer(files);
    const auto certificate = Certificate::load(files);
    REQUIRE(certificate);
    const Staple& staple = (*certificate)->staple();
    const WallTime now = std::chrono::system_clock::now();
    CHECK(staple.is_good(now));
    CHECK_FALSE(staple.is_good(now + std::chrono::hours(49)));
  }

  TEST_CASE("an OCSP response that is of no use is not stapled, and the certificate serves") {
    const Authority authority;
    const Authority stranger;
    const CertificateFiles files = authority.issue({.name = "a.example"});
    const CertificateFiles other = authority.issue({.name = "b.example"});
    const auto is_stapled = [&files](const std::string& ocsp) {
      CertificateFiles with = files;
      with.ocsp = ocsp;
      const auto certificate = Certificate::load(with);
      REQUIRE(certificate);
      return !(*certificate)->staple().response.empty();
    };
    const std::string text = authority.folder.file("text");
    write_text(text, "no response\n");
    CHECK(is_stapled(authority.answer(files)));
    CHECK_FALSE(is_stapled("/nowhere/ocsp.der"));
    CHECK_FALSE(is_stapled(text));
    CHECK_FALSE(is_stapled(authority.answer(other)));
    CHECK_FALSE(is_stapled(authority.answer(files, {.hours = -1})));
    CHECK_FALSE(is_stapled(authority.answer(files, {.is_revoked = true})));
    CHECK_FALSE(is_stapled(authority.answer(files, {.signer = &stranger})));
  }
}

}  // namespace
}  // namespace sluice::tls
