/// ClientContext: what all TLS connections to one server share: whom to trust, what to offer by
/// ALPN, our own certificate, and the sessions that shorten the next handshakes.
///
/// Versions and ciphers are those of Context. Sessions are kept by the name that the certificate
/// was checked for, so that none can stand in for a check that was never made. One of TLS 1.3 is
/// used once (RFC 8446 §C.4), one of TLS 1.2 again and again.
///
/// Owner   shared by the workers; immutable after create() but for the sessions, which a mutex
///         guards. Session keeps alive what it needs of it.
/// Thread  any.
/// Errors  create() names the file and what is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "gateway/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::tls {

class ClientContext {
 public:
  enum class Protocols : std::uint8_t { http2_or_http1, http2, http1 };

  struct Options {
    /// PEM: whom to trust, or the server's own certificate. "": whom the system trusts.
    std::string ca_file{};
    bool verify = true;                               ///< False: take any certificate.
    Protocols protocols = Protocols::http2_or_http1;  ///< Offered by ALPN, the best first.
    /// Ours, for a server that asks for one; as in tls::Options. "": none, and no key either.
    std::string certificate_file{};
    std::string key_file{};
  };
  static constexpr std::size_t kSessions = 8;  ///< Kept for resumption; the oldest goes.

  static Result<std::shared_ptr<const ClientContext>> create(const Options& options);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  /// For tls::Session: a new connection to `host` on its way, which resumes a session if there is
  /// one. nullptr: no server can have that name.
  [[nodiscard]] ssl_st* open(const std::string& host) const;

 private:
  explicit ClientContext(ssl_ctx_st* handle) : handle_(handle) {}

  ssl_ctx_st* const handle_;
};

}  // namespace sluice::tls
