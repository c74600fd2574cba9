/// Context: what all TLS connections of a listener share: certificates, ciphers, ALPN, tickets, and
/// whether clients are to show certificates.
///
/// TLS 1.2 and 1.3 with the cipher list of Mozilla's intermediate profile 5.7, ephemeral elliptic
/// curves only. No renegotiation, no compression, no early data: a request that subscribes must not
/// be replayable. To take a new certificate, create a new Context and use it for new sessions; the
/// old one lives on in its sessions.
///
/// Of several certificates a client gets the first that is for the name it asks for (SNI), one with
/// the very name before one with a wildcard; who asks for none, or for one that nobody has, gets
/// the first of all. That is no error: browsers close an EventSource for ever on an alert.
///
/// Owner   shared by the workers; immutable after create().
/// Thread  any.
/// Errors  create() fails only where OpenSSL does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "tls/certificate.h"
#include "tls/client_ca.h"
#include "tls/ticket_keys.h"

struct ssl_ctx_st;

namespace sluice::tls {

/// Whether clients show certificates.
enum class ClientCertificates : std::uint8_t {
  off,
  optional,  ///< Who shows none, or one that is not believed, is nobody in particular.
  require,   ///< He is refused by an alert (RFC 8446 §6.2).
};

struct Options {
  std::vector<std::shared_ptr<const Certificate>> certificates;  ///< One at least.
  bool http2 = true;        ///< Offer "h2" by ALPN before "http/1.1".
  std::size_t tickets = 1;  ///< Session tickets per handshake; 0 turns resumption off.
  std::shared_ptr<TicketKeys> ticket_keys{};  ///< Null: random ones of this context.
  ClientCertificates client_certificates = ClientCertificates::off;
  ClientCaPtr client_ca{};  ///< Not null unless they are off.
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
