#include "tls/context.h"

#include <cstdio>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <openssl/pem.h>

#include "tests/tls/client.h"

namespace sluice::tls {
namespace {

void write_text(const std::string& file, const std::string& text) {
  std::ofstream(file) << text;
}

std::string fault(const Options& options) {
  const auto context = Context::create(options);
  REQUIRE_FALSE(context);
  return context.error().what;
}

void write_encrypted_key(const std::string& file) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const CHandle<std::FILE, std::fclose> out(std::fopen(file.c_str(), "w"));
  const unsigned char password[] = "secret";
  REQUIRE(PEM_write_PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), password, 6, nullptr,
                               nullptr) == 1);
}

TEST_SUITE("TLS context") {
  TEST_CASE("a certificate that is not there is named") {
    const TestCertificate good;
    CHECK(fault({.certificate_file = "/nowhere/cert.pem", .key_file = good.key}) ==
          "cannot read the certificate file /nowhere/cert.pem: No such file or directory");
  }

  TEST_CASE("a key that is not there is named") {
    const TestCertificate good;
    CHECK(fault({.certificate_file = good.certificate, .key_file = "/nowhere/key.pem"}) ==
          "cannot read the key file /nowhere/key.pem: No such file or directory");
  }

  TEST_CASE("a file that is no certificate is named") {
    const TestCertificate good;
    write_text(good.certificate, "hello\n");
    const std::string what = fault(good.options());
    CHECK(what.starts_with(good.certificate + " is not a certificate"));
    CHECK(what.ends_with("no start line"));
  }

  TEST_CASE("a file that is no key is named") {
    const TestCertificate good;
    write_text(good.key, "hello\n");
    CHECK(fault(good.options()).starts_with(good.key + " holds no private key in PEM form"));
  }

  TEST_CASE("a key that belongs to another certificate is refused") {
    const TestCertificate one;
    const TestCertificate other;
    CHECK(fault({.certificate_file = one.certificate, .key_file = other.key}) ==
          "the key in " + other.key + " does not belong to the certificate in " + one.certificate);
  }

  TEST_CASE("an encrypted key is refused and nobody is asked for its passphrase") {
    const TestCertificate good;
    write_encrypted_key(good.key);
    CHECK(fault(good.options()).starts_with("the key in " + good.key + " is encrypted"));
  }

  TEST_CASE("the library says its version") {
    CHECK(library_version().starts_with("OpenSSL 3."));
  }
}

}  // namespace
}  // namespace sluice::tls
