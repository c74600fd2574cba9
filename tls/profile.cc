#include "tls/profile.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "gateway/base/file.h"
#include "gateway/base/log.h"

namespace sluice::tls {
namespace {

constexpr const char* kCiphersTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphersTls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

/// Instead of OpenSSL's, which asks on the terminal.
int no_passphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

/// What SSL_CTX_use_certificate_chain_file() does with a file: the leaf, then its chain.
bool use_chain(SSL_CTX* context, BIO* in) {
  const CertificatePtr leaf(in ? PEM_read_bio_X509_AUX(in, nullptr, nullptr, nullptr) : nullptr);
  if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf.get()) != 1) return false;
  if (SSL_CTX_clear_chain_certs(context) != 1) return false;
  for (;;) {
    CertificatePtr each(PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
    if (each == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context, each.get()) != 1) return false;
    (void)each.release();
  }
  if (!is_end_of_pem()) return false;
  ERR_clear_error();
  return true;
}

void free_pieces(STACK_OF(X509_INFO) * pieces) {
  sk_X509_INFO_pop_free(pieces, X509_INFO_free);
}
using PiecesPtr = CHandle<STACK_OF(X509_INFO), free_pieces>;

/// What SSL_CTX_load_verify_file() does with a file.
bool trust_all(X509_STORE* store, BIO* in) {
  const PiecesPtr pieces(in ? PEM_X509_INFO_read_bio(in, nullptr, nullptr, nullptr) : nullptr);
  int count = 0;
  for (int i = 0; pieces != nullptr && i < sk_X509_INFO_num(pieces.get()); ++i) {
    const X509_INFO* each = sk_X509_INFO_value(pieces.get(), i);
    if (each->x509 != nullptr && X509_STORE_add_cert(store, each->x509) != 1) return false;
    if (each->crl != nullptr && X509_STORE_add_crl(store, each->crl) != 1) return false;
    if (each->x509 != nullptr || each->crl != nullptr) ++count;
  }
  return count > 0;
}

void warn_about_dates(SSL_CTX* context, const std::string& file) {
  const X509* leaf = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
    log::warning("the certificate in {} has expired: it will be refused", file);
  } else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
    log::warning("the certificate in {} is not valid yet: it will be refused", file);
  }
}

}  // namespace

Result<void> set_profile(SSL_CTX* context) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool accepted = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                        SSL_CTX_set_cipher_list(context, kCiphersTls12) == 1 &&
                        SSL_CTX_set_ciphersuites(context, kCiphersTls13) == 1 &&
                        SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (accepted) return {};
  return fail(Errc::io, "this OpenSSL refuses the cipher list: " + take_error());
}

bool is_end_of_pem() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

BioPtr reader_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<void> load_certificate(SSL_CTX* context, const std::string& file) {
  const auto text = read_file(file, "the certificate file");
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  if (!use_chain(context, reader_of(*text).get())) {
    return fail(Errc::invalid,
                fmt::format("{} is not a certificate that can be used (PEM, the leaf "
                            "first, then its chain): {}",
                            file, take_error()));
  }
  warn_about_dates(context, file);
  return {};
}

Result<void> load_authorities(SSL_CTX* context, const std::string& file) {
  const auto text = read_file(file, "the CA file");
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  if (trust_all(SSL_CTX_get_cert_store(context), reader_of(*text).get())) return {};
  return fail(Errc::invalid, fmt::format("the CA file {} holds no certificate in PEM form: {}",
                                         file, take_error()));
}

Result<void> load_key(SSL_CTX* context, const std::string& file,
                      const std::string& certificate_file) {
  auto text = read_file(file, "the key file");
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  bool is_encrypted = false;
  const BioPtr in = reader_of(*text);
  const KeyPtr key(in == nullptr
                       ? nullptr
                       : PEM_read_bio_PrivateKey(in.get(), nullptr, &no_passphrase, &is_encrypted));
  OPENSSL_cleanse(text->data(), text->size());
  if (key == nullptr) {
    const std::string reason = take_error();
    return fail(Errc::invalid,
                is_encrypted
                    ? fmt::format("the key in {} is encrypted: store it without a "
                                  "passphrase, readable by this program only",
                                  file)
                    : fmt::format("{} holds no private key in PEM form: {}", file, reason));
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fail(Errc::invalid, fmt::format("the key in {} does not belong to the certificate in {}",
                                           file, certificate_file));
  }
  return {};
}

bool expect_host(SSL* ssl, const std::string& host) {
  if (host.find('\0') != std::string::npos) return false;
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return true;
  ERR_clear_error();  // It is a name.
  const std::string name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  if (name.empty()) return false;
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // What SSL_set_tlsext_host_name() does, without its cast.
  const long named = SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              const_cast<char*>(name.c_str()));
  return named == 1 && SSL_set1_host(ssl, name.c_str()) == 1;
}

}  // namespace sluice::tls
