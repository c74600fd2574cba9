#include "tls/context.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "gateway/base/assert.h"
#include "tls/choice.h"
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

/// Clients resume only sessions that this kind of context has made: whoever was let in without a
/// certificate, or by another authority, makes a whole handshake.
bool set_session_id(SSL_CTX* context, const Options& options) {
  if (options.client_certificates == ClientCertificates::off) {
    constexpr std::string_view kName = "sluice";
    const auto* bytes = static_cast<const unsigned char*>(static_cast<const void*>(kName.data()));
    return SSL_CTX_set_session_id_context(context, bytes, kName.size()) == 1;
  }
  auto digest = options.client_ca->digest();
  if (options.client_certificates == ClientCertificates::require) digest[0] ^= 0xff;
  return SSL_CTX_set_session_id_context(context, digest.data(), digest.size()) == 1;
}

/// Where they are optional, one that is not believed does not end the handshake: what became of it
/// is asked when the connection begins (SSL_get_verify_result()).
int take_any(int, X509_STORE_CTX*) {
  return 1;
}

Result<void> ask_for_certificates(SSL_CTX* context, const Options& options) {
  if (!set_session_id(context, options)) return fail(Errc::io, take_error());
  if (options.client_certificates == ClientCertificates::off) return {};
  if (!options.client_ca->use_for(context)) {
    return fail(Errc::io, "the client CA cannot be used: " + take_error());
  }
  const bool is_required = options.client_certificates == ClientCertificates::require;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (is_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     is_required ? nullptr : &take_any);
  return {};
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
  return ask_for_certificates(context, options);
}

/// It belongs to the Certificate that the context keeps alive.
int index_of_certificate() {
  const auto free = [](void*, void* certificate, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::shared_ptr<const Certificate>*>(certificate);
  };
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free);
  return index;
}

int staple(SSL* ssl, void*) {
  const auto* of = static_cast<const std::shared_ptr<const Certificate>*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index_of_certificate()));
  if (of == nullptr || !(*of)->staple().is_good(std::chrono::system_clock::now())) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const std::string& response = (*of)->staple().response;
  void* copy = OPENSSL_memdup(response.data(), response.size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  // OpenSSL frees it. What SSL_set_tlsext_status_ocsp_resp() does, without its cast.
  SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, static_cast<long>(response.size()), copy);
  return SSL_TLSEXT_ERR_OK;
}

bool use_certificate(SSL_CTX* context, const std::shared_ptr<const Certificate>& certificate) {
  SSL_CTX* from = certificate->handle();
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(from, &chain);
  if (SSL_CTX_use_cert_and_key(context, SSL_CTX_get0_certificate(from),
                               SSL_CTX_get0_privatekey(from), chain, 1) != 1) {
    return false;
  }
  if (certificate->staple().response.empty()) return true;
  auto owned = std::make_unique<std::shared_ptr<const Certificate>>(certificate);
  if (SSL_CTX_set_ex_data(context, index_of_certificate(), owned.get()) != 1) return false;
  static_cast<void>(owned.release());
  // What SSL_CTX_set_tlsext_status_cb() does, without its cast.
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB,
                        reinterpret_cast<void (*)()>(&staple));
  return true;
}

Result<SslContextPtr> make(const Options& options,
                           const std::shared_ptr<const Certificate>& certificate,
                           const std::shared_ptr<TicketKeys>& keys) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return fail(Errc::io, "cannot set up TLS: " + take_error());
  if (auto set = set_rules(context.get(), options); !set) return tl::unexpected(set.error());
  if (!use_certificate(context.get(), certificate) || !TicketKeys::use_for(context.get(), keys)) {
    return fail(Errc::io, fmt::format("{} cannot be used: {}", certificate->files().certificate,
                                      take_error()));
  }
  return context;
}

}  // namespace

Result<std::shared_ptr<Context>> Context::create(const Options& options) {
  SLUICE_ASSERT(!options.certificates.empty(), "a listener with TLS needs a certificate");
  SLUICE_ASSERT(options.client_certificates == ClientCertificates::off || options.client_ca,
                "clients' certificates are asked for, and nobody is believed");
  ERR_clear_error();
  const auto keys = options.ticket_keys ? options.ticket_keys : std::make_shared<TicketKeys>();
  std::vector<SslContextPtr> contexts;
  for (const auto& certificate : options.certificates) {
    auto context = make(options, certificate, keys);
    if (!context) return tl::unexpected(context.error());
    contexts.push_back(std::move(*context));
  }
  auto first = choose_by_name(std::move(contexts), options.certificates);
  if (!first) return tl::unexpected(first.error());
  return std::shared_ptr<Context>(new Context(first->release()));
}

Context::~Context() {
  SSL_CTX_free(handle_);
}

std::string library_version() {
  return OpenSSL_version(OPENSSL_VERSION);
}

}  // namespace sluice::tls
