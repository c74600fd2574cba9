#include "tls/client_context.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <openssl/x509v3.h>

#include "gateway/base/assert.h"
#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

using SslPtr = CHandle<SSL, SSL_free>;
using SslSessionPtr = CHandle<SSL_SESSION, SSL_SESSION_free>;

struct OpensslFree {
  void operator()(char* text) const noexcept { OPENSSL_free(text); }
};

/// The name or address that a connection's certificate must be for.
std::string checked_host(SSL* ssl) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  if (const char* name = X509_VERIFY_PARAM_get0_host(wanted, 0); name != nullptr) return name;
  const std::unique_ptr<char, OpensslFree> address(X509_VERIFY_PARAM_get1_ip_asc(wanted));
  return address == nullptr ? std::string() : std::string(address.get());
}

/// The sessions of a context. All in it are copies: OpenSSL writes into the one of a connection
/// that ends, on that connection's thread.
class SessionStore {
 public:
  void put(std::string host, SslSessionPtr session) {
    if (session == nullptr) return;
    const std::lock_guard lock(mutex_);
    if (kept_.size() == ClientContext::kSessions) kept_.erase(kept_.begin());
    kept_.push_back({.host = std::move(host), .session = std::move(session)});
  }

  /// The latest one, or nullptr.
  SslSessionPtr take(const std::string& host) {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(kept_.rbegin(), kept_.rend(),
                                    [&host](const Kept& kept) { return kept.host == host; });
    if (found == kept_.rend()) return nullptr;
    if (SSL_SESSION_get_protocol_version(found->session.get()) < TLS1_3_VERSION) {
      return SslSessionPtr(SSL_SESSION_dup(found->session.get()));
    }
    SslSessionPtr session = std::move(found->session);
    kept_.erase(std::next(found).base());
    return session;
  }

  /// The one of `context`, which frees it at its own end: that is when its last connection goes.
  static SessionStore& of(const SSL_CTX* context) {
    return *static_cast<SessionStore*>(SSL_CTX_get_ex_data(context, index()));
  }
  static void attach(SSL_CTX* context) {
    auto store = std::make_unique<SessionStore>();
    SLUICE_ASSERT(SSL_CTX_set_ex_data(context, index(), store.get()) == 1,
                  "OpenSSL takes no data for a context");
    (void)store.release();
  }

 private:
  struct Kept {
    std::string host;
    SslSessionPtr session;
  };

  // NOLINTNEXTLINE(readability-function-size): OpenSSL chose the parameters.
  static void free_store(void*, void* store, CRYPTO_EX_DATA*, int, long, void*) noexcept {
    delete static_cast<SessionStore*>(store);
  }
  static int index() {
    static const int made = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_store);
    return made;
  }

  std::mutex mutex_;
  std::vector<Kept> kept_;  ///< The oldest first.
};

/// With TLS 1.3 this comes with the first bytes that are read, once for each ticket.
int on_new_session(SSL* ssl, SSL_SESSION* session) noexcept {
  SessionStore::of(SSL_get_SSL_CTX(ssl))
      .put(checked_host(ssl), SslSessionPtr(SSL_SESSION_dup(session)));
  return 0;  // OpenSSL's own reference stays OpenSSL's.
}

/// ALPN's wire form, best first.
constexpr std::array<unsigned char, 12> kProtocols{2,   'h', '2', 8,   'h', 't',
                                                   't', 'p', '/', '1', '.', '1'};
constexpr std::size_t kHttp2 = 3;  ///< Bytes of its name, with its length.

std::span<const unsigned char> wire_form(ClientContext::Protocols protocols) {
  const std::span<const unsigned char> all(kProtocols);
  switch (protocols) {
    case ClientContext::Protocols::http2:
      return all.first(kHttp2);
    case ClientContext::Protocols::http1:
      return all.subspan(kHttp2);
    case ClientContext::Protocols::http2_or_http1:
      break;
  }
  return all;
}

Result<void> set_trust(SSL_CTX* context, const ClientContext::Options& options) {
  if (!options.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return fail(Errc::io, "cannot load the system's certificate authorities: " + take_error());
  }
  if (auto loaded = load_authorities(context, options.ca_file); !loaded) return loaded;
  // Whatever stands in the file is trusted, an intermediate or the server's own as well as a root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<void> set_identity(SSL_CTX* context, const ClientContext::Options& options) {
  if (options.certificate_file.empty() && options.key_file.empty()) return {};
  if (options.certificate_file.empty()) {
    return fail(Errc::invalid, "the key in " + options.key_file + " has no certificate beside it");
  }
  if (options.key_file.empty()) {
    return fail(Errc::invalid,
                "the certificate in " + options.certificate_file + " has no key beside it");
  }
  if (auto loaded = load_certificate(context, options.certificate_file); !loaded) return loaded;
  return load_key(context, options.key_file, options.certificate_file);
}

}  // namespace

Result<std::shared_ptr<const ClientContext>> ClientContext::create(const Options& options) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return fail(Errc::io, "cannot set up TLS: " + take_error());
  if (auto set = set_profile(context.get()); !set) return tl::unexpected(set.error());
  if (auto set = set_trust(context.get(), options); !set) return tl::unexpected(set.error());
  if (auto set = set_identity(context.get(), options); !set) return tl::unexpected(set.error());
  const auto protocols = wire_form(options.protocols);
  if (SSL_CTX_set_alpn_protos(context.get(), protocols.data(),
                              static_cast<unsigned int>(protocols.size())) != 0) {
    return fail(Errc::io, "cannot set up TLS: " + take_error());
  }
  SessionStore::attach(context.get());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), &on_new_session);
  return std::shared_ptr<const ClientContext>(new ClientContext(context.release()));
}

ClientContext::~ClientContext() {
  SSL_CTX_free(handle_);
}

ssl_st* ClientContext::open(const std::string& host) const {
  forget_errors();
  SslPtr ssl(SSL_new(handle_));
  SLUICE_ASSERT(ssl != nullptr, "out of memory for a TLS session");
  SSL_set_connect_state(ssl.get());
  if (!expect_host(ssl.get(), host)) {
    forget_errors();
    return nullptr;
  }
  const SslSessionPtr session = SessionStore::of(handle_).take(checked_host(ssl.get()));
  // One that it refuses is none: the handshake is a whole one then.
  if (session != nullptr) SSL_set_session(ssl.get(), session.get());
  forget_errors();
  return ssl.release();
}

}  // namespace sluice::tls
