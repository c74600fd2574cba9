/// SocketAddress: where to listen or connect, and how to name who called.
///
/// Thread  any; plain values.
#pragma once

#include <cstddef>
#include <cstdint>
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

}  // namespace sluice::net
