/// SocketAddress: where to listen or connect, and how to name who called.
///
/// Thread  any; plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include "gateway/base/result.h"

namespace sluice::net {

class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t size);
  /// An address in numbers, "127.0.0.1", "::1" or "[::1]"; none if `host` is a name or nothing at
  /// all. Asks nobody.
  static std::optional<SocketAddress> parse(std::string_view host, std::uint16_t port);

  [[nodiscard]] const sockaddr* data() const;
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);

  /// "127.0.0.1", "::1". An IPv4 address that came in through an IPv6 socket is shown as IPv4.
  [[nodiscard]] std::string host() const;
  /// "127.0.0.1:8443", "[::1]:8443".
  [[nodiscard]] std::string to_string() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

/// "127.0.0.1:0", "[::1]:8443", "localhost:8443" (a name may mean several addresses), "*:443" (all
/// addresses of this machine). Asks the resolver for names, so it may wait: for start-up.
Result<std::vector<SocketAddress>> resolve(std::string_view text);

/// All addresses that a name has, each once, in the order in which the system would try them.
/// Waits for as long as the system's resolver does: on a thread of its own, see resolver.h.
Result<std::vector<SocketAddress>> look_up(const std::string& host, std::uint16_t port);

}  // namespace sluice::net
