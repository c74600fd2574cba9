/// ClientSession: the client side of TLS on one connected socket, for the commands.
///
/// Owner   whoever has the socket, which must outlive it and ignore SIGPIPE. Thread  one.
/// Errors  open() says why the peer is not trusted or does not answer.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "gateway/base/result.h"
#include "tls/session.h"

struct ssl_st;

namespace sluice::tls {

class ClientSession {
 public:
  struct Options {
    std::string host;          ///< A name or an address: what the certificate must be for.
    std::string ca_file;       ///< PEM; empty: whom the system trusts.
    bool is_insecure = false;  ///< Take any certificate.
  };

  /// Shakes hands on a socket that blocks.
  static Result<std::unique_ptr<ClientSession>> open(int fd, const Options& options);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  /// As Session's, on a socket that no longer blocks.
  IoResult read(std::span<std::byte> into);
  IoResult write(std::span<const std::byte> bytes);

 private:
  explicit ClientSession(ssl_st* ssl) : ssl_(ssl) {}
  [[nodiscard]] Io verdict(int result) const;

  ssl_st* const ssl_;
};

}  // namespace sluice::tls
