#include "tls/self_signed.h"

#include <fstream>
#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/tls/client.h"

namespace sluice::tls {
namespace {

using CertificatePtr = CHandle<X509, X509_free>;

CertificatePtr load(const std::string& file) {
  const CHandle<BIO, BIO_free_all> in(BIO_new_file(file.c_str(), "r"));
  return CertificatePtr(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

/// "DNS:localhost, …"
std::string names_of(X509* certificate) {
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  const CHandle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  REQUIRE(X509V3_EXT_print(out.get(), X509_get_ext(certificate, at), 0, 0) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool is_for_host(X509* certificate, const char* host) {
  return X509_check_host(certificate, host, 0, 0, nullptr) == 1;
}

TEST_SUITE("self-signed certificate") {
  TEST_CASE("it is for this machine by every name and address, and for no other") {
    const TestCertificate made;
    const CertificatePtr certificate = load(made.certificate);
    REQUIRE(certificate != nullptr);
    CHECK(is_for_host(certificate.get(), "localhost"));
    // Browsers take this wildcard; OpenSSL's own check wants two dots after the star.
    CHECK(names_of(certificate.get()).find("DNS:*.localhost") != std::string::npos);
    CHECK_FALSE(is_for_host(certificate.get(), "example.org"));
    CHECK(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0) == 1);
    CHECK(X509_check_ip_asc(certificate.get(), "::1", 0) == 1);
    CHECK(X509_check_ca(certificate.get()) == 0);
  }

  TEST_CASE("browsers accept its lifetime") {
    const TestCertificate made;
    CHECK_FALSE(expires_within(made.certificate, std::chrono::days(396)));
    CHECK(expires_within(made.certificate, std::chrono::days(397)));
  }

  TEST_CASE("its key is for its owner alone") {
    const TestCertificate made;
    struct stat status {};
    REQUIRE(::stat(made.key.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }

  TEST_CASE("making it again replaces both files and leaves no other behind") {
    const TestCertificate made;
    const auto before = load(made.certificate);
    REQUIRE(make_self_signed(made.certificate, made.key));
    CHECK(X509_cmp(before.get(), load(made.certificate).get()) != 0);
    CHECK(Context::create(made.options()));
    const std::filesystem::directory_iterator files(
        std::filesystem::path(made.certificate).parent_path());
    CHECK(std::distance(begin(files), end(files)) == 2);
  }

  TEST_CASE("a folder that is not there is an error that names the file") {
    const auto made = make_self_signed("/nowhere/cert.pem", "/nowhere/key.pem");
    REQUIRE_FALSE(made);
    CHECK(made.error().what == "cannot write /nowhere/key.pem: No such file or directory");
  }

  TEST_CASE("a certificate that cannot be read counts as expired") {
    CHECK(expires_within("/nowhere/cert.pem", std::chrono::days(1)));
  }
}

}  // namespace
}  // namespace sluice::tls
