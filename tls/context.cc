#include "tls/context.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "gateway/base/log.h"
#include "tls/handles.h"

namespace sluice::tls {
namespace {

constexpr const char* kCiphersTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphersTls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

/// ALPN's wire form, best first.
struct ProtocolList {
  unsigned char wire[12];
  unsigned int size;
};
constexpr ProtocolList kHttp2AndHttp1{{2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'}, 12};
constexpr ProtocolList kHttp1{{8, 'h', 't', 't', 'p', '/', '1', '.', '1'}, 9};

/// RFC 7301 §3.2: a client with whom we share no protocol is told so by an alert.
// NOLINTNEXTLINE(readability-function-size): OpenSSL chose the parameters.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void* arg) {
  const auto* ours = static_cast<const ProtocolList*>(arg);
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, ours->wire, ours->size, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/// Instead of OpenSSL's, which asks on the terminal.
int no_passphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

Result<void> check_readable(const char* kind, const std::string& file) {
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd) return {};
  return fail(errno == ENOENT ? Errc::not_found : Errc::io,
              fmt::format("cannot read the {} file {}: {}", kind, file,
                          std::generic_category().message(errno)));
}

void warn_about_dates(SSL_CTX* context, const std::string& file) {
  const X509* leaf = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0) {
    log::warning("the certificate in {} has expired: clients will refuse it", file);
  } else if (X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0) {
    log::warning("the certificate in {} is not valid yet: clients will refuse it", file);
  }
}

Result<void> load_certificate(SSL_CTX* context, const std::string& file) {
  if (auto readable = check_readable("certificate", file); !readable) return readable;
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1) {
    return fail(Errc::invalid, fmt::format("{} is not a certificate that can be used (PEM, the "
                                           "server's own first): {}",
                                           file, take_error()));
  }
  warn_about_dates(context, file);
  return {};
}

Result<void> load_key(SSL_CTX* context, const Options& options) {
  const std::string& file = options.key_file;
  if (auto readable = check_readable("key", file); !readable) return readable;
  ERR_clear_error();
  bool is_encrypted = false;
  const BioPtr in(BIO_new_file(file.c_str(), "r"));
  const KeyPtr key(in == nullptr
                       ? nullptr
                       : PEM_read_bio_PrivateKey(in.get(), nullptr, &no_passphrase, &is_encrypted));
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
                                           file, options.certificate_file));
  }
  return {};
}

Result<void> set_rules(SSL_CTX* context, const Options& options) {
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // The client knows whether it has AES in hardware: its order counts.
  SSL_CTX_clear_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool accepted = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                        SSL_CTX_set_cipher_list(context, kCiphersTls12) == 1 &&
                        SSL_CTX_set_ciphersuites(context, kCiphersTls13) == 1 &&
                        SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!accepted) {
    return fail(Errc::io, "this OpenSSL refuses the cipher list: " + take_error());
  }
  // Tickets carry the session; nothing of it stays here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, options.tickets);
  SSL_CTX_set_max_early_data(context, 0);
  const ProtocolList& protocols = options.http2 ? kHttp2AndHttp1 : kHttp1;
  SSL_CTX_set_alpn_select_cb(context, &choose_protocol, const_cast<ProtocolList*>(&protocols));
  return {};
}

}  // namespace

Result<std::shared_ptr<Context>> Context::create(const Options& options) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return fail(Errc::io, "cannot set up TLS: " + take_error());
  if (auto set = set_rules(context.get(), options); !set) return tl::unexpected(set.error());
  if (auto loaded = load_certificate(context.get(), options.certificate_file); !loaded) {
    return tl::unexpected(loaded.error());
  }
  if (auto loaded = load_key(context.get(), options); !loaded) {
    return tl::unexpected(loaded.error());
  }
  return std::shared_ptr<Context>(new Context(context.release()));
}

Context::~Context() {
  SSL_CTX_free(handle_);
}

std::string library_version() {
  return OpenSSL_version(OPENSSL_VERSION);
}

}  // namespace sluice::tls
