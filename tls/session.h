/// Session: one side of TLS on one connected, non-blocking socket.
///
/// It never waits and never raises SIGPIPE. `want_read` and `want_write` say what to wait for
/// before the same call is made again; after `want_write` from write() the next write() must begin
/// with the same bytes, wherever they lie now.
///
/// Owner   net::Connection. The descriptor is borrowed and must outlive the session; the context
///         need not.
/// Thread  its worker only.
/// Errors  `failed` ends the session; error() says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gateway/base/peer_certificate.h"

struct ssl_st;

namespace sluice::tls {

class ClientContext;
class Context;

enum class Io {
  ok,
  want_read,
  want_write,
  closed,  ///< The peer will send no more; not an error, with or without close_notify.
  failed,
};

struct IoResult {
  Io io;
  std::size_t n;  ///< Bytes read or written; 0 unless `io` is ok.
};

class Session {
 public:
  /// The server's side.
  Session(const Context& context, int fd);
  /// The client's side. `host` is a name or an address: what the certificate must be for.
  Session(const ClientContext& context, std::string_view host, int fd);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Io handshake();
  /// At most one record. Bytes may remain inside, where no poll sees them: read until `want_read`,
  /// or ask has_pending().
  IoResult read(std::span<std::byte> into);
  /// May take less than all of it: one record, up to 16 KiB, at a time. `has_more`: another write
  /// follows at once, which the kernel may wait for to fill its segments (MSG_MORE).
  IoResult write(std::span<const std::byte> bytes, bool has_more = false);
  /// Sends close_notify if the socket takes it; says nothing if not.
  void shutdown();

  [[nodiscard]] bool has_pending() const;
  /// What ALPN chose, "" if the client did not ask or the server did not answer. Good as long as
  /// the session.
  [[nodiscard]] std::string_view alpn() const;
  [[nodiscard]] bool is_resumed() const;
  /// The client's, if the context asks for one and believes it; null otherwise, and when it has
  /// expired since the session began that is resumed here.
  [[nodiscard]] PeerCertificatePtr peer_certificate() const;
  [[nodiscard]] std::string version() const;  ///< "TLSv1.3"
  [[nodiscard]] std::string cipher() const;   ///< "TLS_AES_128_GCM_SHA256"
  /// The reason of the last `failed`, for the log: "certificate has expired".
  [[nodiscard]] std::string error() const { return error_; }
  /// Encrypted bytes the socket has taken so far: a record that is stuck half-way still progresses.
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  struct Callbacks;
  void take_socket();
  Io verdict(int result);
  [[nodiscard]] std::string reason() const;

  ssl_st* ssl_;
  int fd_;
  int last_errno_ = 0;
  bool has_more_ = false;
  std::uint64_t bytes_sent_ = 0;
  std::string error_;
};

}  // namespace sluice::tls
