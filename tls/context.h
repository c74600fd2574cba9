/// Context: what all TLS connections of a listener share: certificate, key, ciphers, ALPN, tickets.
///
/// TLS 1.2 and 1.3 with the cipher list of Mozilla's intermediate profile 5.7, ephemeral elliptic
/// curves only. No renegotiation, no compression, no early data: a request that subscribes must not
/// be replayable. To take a new certificate, create a new Context and use it for new sessions; the
/// old one lives on in its sessions.
///
/// Owner   shared by the workers; immutable after create().
/// Thread  any.
/// Errors  create() names the file and what is wrong with it. An expired certificate is a warning
///         in the log: the gateway must be able to start while somebody renews it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gateway/base/result.h"

struct ssl_ctx_st;

namespace sluice::tls {

struct Options {
  std::string certificate_file;  ///< PEM, the leaf first, then the chain.
  std::string key_file;          ///< PEM, not encrypted.
  bool http2 = true;             ///< Offer "h2" by ALPN before "http/1.1".
  std::size_t tickets = 1;       ///< Session tickets per handshake; 0 turns resumption off.
};

class Context {
 public:
  static Result<std::shared_ptr<Context>> create(const Options& options);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// For tls::Session.
  [[nodiscard]] ssl_ctx_st* handle() const { return handle_; }

 private:
  explicit Context(ssl_ctx_st* handle) : handle_(handle) {}

  ssl_ctx_st* const handle_;
};

/// "OpenSSL 3.0.17 1 Jul 2025".
std::string library_version();

}  // namespace sluice::tls
