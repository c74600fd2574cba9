#include "tls/context.h"

#include <openssl/crypto.h>

#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

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

Result<void> set_rules(SSL_CTX* context, const Options& options) {
  if (auto set = set_profile(context); !set) return set;
  // Our order counts, but for a client that prefers ChaCha20: it has no AES in hardware.
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
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
  if (auto loaded = load_key(context.get(), options.key_file, options.certificate_file); !loaded) {
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
