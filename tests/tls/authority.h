/// A certificate authority for tests: certificates for servers and clients, and OCSP responses.
#pragma once

#include <cstdio>
#include <string>

#include <doctest/doctest.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/tls/client.h"

namespace sluice::tls {

struct Issue {
  std::string name;            ///< Its common name; of its files, too.
  std::string alternatives{};  ///< "DNS:a.example,URI:spiffe://x/y"; empty: none.
  int days = 90;               ///< Negative: it has expired.
};

class Authority;

struct OcspAnswer {
  int hours = 48;  ///< That it is good for from now; negative: no more.
  bool is_revoked = false;
  const Authority* signer = nullptr;  ///< Null: the authority itself.
};

class Authority {
 public:
  Authority() : key_(EVP_EC_gen("P-256")), root_(X509_new()) {
    fill(root_.get(), key_.get(), {.name = "Test Authority", .days = 365});
    extend(root_.get(), NID_basic_constraints, "critical,CA:TRUE");
    REQUIRE(X509_sign(root_.get(), key_.get(), EVP_sha256()) > 0);
    write_certificate(file(), {root_.get()});
  }

  /// The authority's own certificate.
  [[nodiscard]] std::string file() const { return folder.file("authority.pem"); }

  /// A certificate with the authority's behind it, and its key.
  [[nodiscard]] CertificateFiles issue(const Issue& issue) const {
    const CertificateFiles files{.certificate = folder.file(issue.name + ".pem"),
                                 .key = folder.file(issue.name + "-key.pem")};
    const KeyOwner key(EVP_EC_gen("P-256"));
    const CertificateOwner made(X509_new());
    fill(made.get(), key.get(), issue);
    if (!issue.alternatives.empty()) {
      extend(made.get(), NID_subject_alt_name, issue.alternatives.c_str());
    }
    REQUIRE(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
    write_certificate(files.certificate, {made.get(), root_.get()});
    const FileOwner out(std::fopen(files.key.c_str(), "w"));
    REQUIRE(PEM_write_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return files;
  }

  /// The file of an OCSP response about a certificate.
  [[nodiscard]] std::string answer(const CertificateFiles& about,
                                   const OcspAnswer& wanted = {}) const {
    const FileOwner in(std::fopen(about.certificate.c_str(), "r"));
    const CertificateOwner leaf(PEM_read_X509(in.get(), nullptr, nullptr, nullptr));
    CHandle<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
    const CHandle<OCSP_CERTID, OCSP_CERTID_free> id(
        OCSP_cert_to_id(EVP_sha1(), leaf.get(), root_.get()));
    const long end = wanted.hours * 3600L;
    const TimeOwner from(X509_gmtime_adj(nullptr, end < 0 ? 2 * end : -60));
    const TimeOwner to(X509_gmtime_adj(nullptr, end));
    const int status = wanted.is_revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
    REQUIRE(OCSP_basic_add1_status(basic.get(), id.get(), status, 0,
                                   wanted.is_revoked ? from.get() : nullptr, from.get(),
                                   to.get()) != nullptr);
    const Authority& signer = wanted.signer == nullptr ? *this : *wanted.signer;
    REQUIRE(OCSP_basic_sign(basic.get(), signer.root_.get(), signer.key_.get(), EVP_sha256(),
                            nullptr, 0) == 1);
    const CHandle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    const std::string file = about.certificate + ".ocsp";
    const CHandle<BIO, BIO_free_all> out(BIO_new_file(file.c_str(), "wb"));
    REQUIRE(i2d_OCSP_RESPONSE_bio(out.get(), response.get()) == 1);
    return file;
  }

  TemporaryFolder folder;

 private:
  using KeyOwner = CHandle<EVP_PKEY, EVP_PKEY_free>;
  using CertificateOwner = CHandle<X509, X509_free>;
  using FileOwner = CHandle<std::FILE, std::fclose>;
  using TimeOwner = CHandle<ASN1_TIME, ASN1_TIME_free>;

  void fill(X509* made, EVP_PKEY* key, const Issue& issue) const {
    static long serial = 1;
    const auto* name =
        static_cast<const unsigned char*>(static_cast<const void*>(issue.name.c_str()));
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), issue.days < 0 ? issue.days * 2 * 86'400L : -3600);
    X509_gmtime_adj(X509_getm_notAfter(made), issue.days * 86'400L);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(root_.get()));
  }

  static void extend(X509* made, int id, const char* value) {
    const CHandle<X509_EXTENSION, X509_EXTENSION_free> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, id, value));
    REQUIRE(extension != nullptr);
    REQUIRE(X509_add_ext(made, extension.get(), -1) == 1);
  }

  static void write_certificate(const std::string& file, std::initializer_list<X509*> chain) {
    const FileOwner out(std::fopen(file.c_str(), "w"));
    for (X509* each : chain) REQUIRE(PEM_write_X509(out.get(), each) == 1);
  }

  const KeyOwner key_;
  const CertificateOwner root_;
};

}  // namespace sluice::tls
