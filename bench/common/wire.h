/// Wire: one non-blocking TCP connection, with or without TLS 1.3, at either end.
///
/// Owner   a subscriber, a publisher, or a connection of the floor server.
/// Thread  one.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "bench/common/net.h"

struct ssl_ctx_st;
struct ssl_st;

namespace sluice::bench {

struct TlsContextFree {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContextPtr = std::unique_ptr<ssl_ctx_st, TlsContextFree>;

struct TlsFree {
  void operator()(ssl_st* tls) const noexcept;
};
using TlsPtr = std::unique_ptr<ssl_st, TlsFree>;

/// A client context that trusts any certificate: TLS 1.3, AES-128-GCM, X25519, so that every
/// server is measured with the same cryptography. `alpn` is `h2` or `http/1.1`.
TlsContextPtr client_context(std::string_view alpn);
/// A server context that speaks `h2` only, with released buffers. Dies when a file is unusable.
TlsContextPtr server_context(const char* certificate_file, const char* key_file);

/// How far an operation came. `wants_write` means: call again when the socket is writable.
enum class Progress { done, wants_read, wants_write, closed };

class Wire {
 public:
  struct Moved {
    Progress progress;
    std::size_t bytes = 0;
  };

  /// A wire in the clear.
  explicit Wire(Fd fd) : fd_(std::move(fd)) {}
  /// A wire whose handshake is still to be done.
  static Wire tls_client(Fd fd, ssl_ctx_st* context, const char* host);
  static Wire tls_server(Fd fd, ssl_ctx_st* context);

  [[nodiscard]] const Fd& fd() const { return fd_; }
  /// Connects and shakes hands; `done` at once on a connected wire in the clear.
  Progress open();
  /// One record, or one recv() in the clear. `done` with bytes, else why not.
  Moved read(std::span<char> into);
  /// May take a part only.
  Moved write(std::string_view bytes);
  /// Whether bytes already taken from the socket wait for read(); epoll does not know of them.
  [[nodiscard]] bool has_pending() const;

 private:
  Wire(Fd fd, TlsPtr tls) : fd_(std::move(fd)), tls_(std::move(tls)) {}
  [[nodiscard]] Progress why(int result) const;

  Fd fd_;
  TlsPtr tls_;
};

}  // namespace sluice::bench
