/// Dial: a connection that we open: where to, and whom to tell what became of it.
///
/// Thread    Connections' loop's.
/// Lifetime  exactly one of `opened` and `failed` is called, once, never from inside dial();
///           neither after close_all() or the end of Connections. Dial and all that its functions
///           hold is freed as soon as one was called.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/base/protocol.h"
#include "gateway/base/units.h"
#include "gateway/net/address.h"

namespace sluice::tls {
class ClientContext;
}

namespace sluice::net {

enum class DialError : std::uint8_t {
  refused,      ///< Nobody listens there.
  unreachable,  ///< No way there, or a firewall on it.
  timeout,
  tls,          ///< The handshake failed: a certificate, a protocol, a connection lost.
  descriptors,  ///< We are out of descriptors, local ports or memory.
};

struct DialFailure {
  DialError error = DialError::unreachable;
  std::string what;  ///< For the log: "connection refused", "certificate has expired".
};

struct Dial {
  SocketAddress address;
  std::shared_ptr<const tls::ClientContext> tls{};  ///< nullptr: clear text.
  /// What the certificate must be for; a name is told to the server (SNI). "": the address.
  std::string server_name{};
  Millis timeout{5'000};  ///< Connecting and handshake together.
  /// Makes what speaks on it; nullptr closes it. `alpn` is good during the call: "h2", "http/1.1",
  /// or "" in clear text and when the server chose none.
  std::function<std::unique_ptr<Protocol>(Transport&, std::string_view alpn)> opened;
  std::function<void(const DialFailure&)> failed;
};

}  // namespace sluice::net
