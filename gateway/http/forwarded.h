/// Forwarded: who asks, and what the servers between say of it (RFC 7239, X-Forwarded-*).
///
/// Anybody can write these fields, so they are believed only of peers that are trusted; of the
/// chain of addresses the last one that is not trusted is the client. What stands before it, its
/// client may have made up. Where the chain is no address ("unknown", garbage) it ends: whoever
/// told us that is taken for the client. A request with `x-forwarded-for` is read by it alone: most
/// proxies write only that, and let pass whatever a client says in `forwarded`. Thread  plain
/// values; Networks does not change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/http/message.h"

namespace sluice::http {

/// An address as 16 bytes, IPv4 as ::ffff:a.b.c.d; none for what is no address.
[[nodiscard]] std::optional<std::array<std::uint8_t, 16>> address_bytes(std::string_view text);

/// A set of networks: "10.0.0.0/8", "2001:db8::/32", "192.0.2.1".
class Networks {
 public:
  /// The error quotes what is no network.
  static Result<Networks> parse(std::span<const std::string> texts);
  /// `address` without port; false for what is no address.
  [[nodiscard]] bool contains(std::string_view address) const;
  [[nodiscard]] bool contains(const std::array<std::uint8_t, 16>& bytes) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    std::array<std::uint8_t, 16> address{};  ///< IPv4 as ::ffff:a.b.c.d.
    int bits = 0;
  };
  std::vector<Network> networks_;
};

struct Forwarded {
  std::string client;             ///< The address of who asks, without port.
  std::string scheme;             ///< What the client used: "https".
  std::string host;               ///< What the client asked: the authority.
  std::vector<std::string> hops;  ///< Between the client and our peer, as they were told to us.
  std::string peer;               ///< Who is connected to us. Equal to `client` without a proxy.
};

/// The client, where it is not who is connected to us; else empty.
[[nodiscard]] inline std::string client_apart(const Forwarded& from) {
  return from.client == from.peer ? std::string() : from.client;
}

/// Reads `x-forwarded-for`, `x-forwarded-proto`, `x-forwarded-host` and `forwarded` of a request
/// whose connection is `peer`'s. No more than the last kMaxHops addresses are looked at.
inline constexpr std::size_t kMaxHops = 20;
Forwarded read_forwarded(const Request& request, std::string_view peer, const Networks& trusted);

}  // namespace sluice::http
