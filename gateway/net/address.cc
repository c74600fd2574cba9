#include "gateway/net/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"

namespace sluice::net {
namespace {

struct InfoFree {
  void operator()(addrinfo* info) const noexcept { ::freeaddrinfo(info); }
};

template <class T>
T copy_of(const sockaddr_storage& storage) {
  T address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

struct HostPort {
  std::string host;
  std::uint16_t port;
};

std::optional<HostPort> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  return HostPort{.host = std::string(host), .port = number};
}

/// nullptr: every address of this machine.
Result<std::vector<SocketAddress>> addresses_of(const char* host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host, std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) {
    const std::string reason = error == EAI_SYSTEM ? std::generic_category().message(errno)
                                                   : std::string(::gai_strerror(error));
    return fail(Errc::not_found, fmt::format("{}: {}", host == nullptr ? "*" : host, reason));
  }
  const std::unique_ptr<addrinfo, InfoFree> list(found);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    const SocketAddress address(info->ai_addr, info->ai_addrlen);
    // /etc/hosts may name an address twice.
    const bool is_new = std::none_of(addresses.begin(), addresses.end(), [&](const auto& other) {
      return other.to_string() == address.to_string();
    });
    if (is_new) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) : size_(size) {
  SLUICE_ASSERT(size <= sizeof storage_, "a socket address is larger than any can be");
  std::memcpy(&storage_, address, size);
}

std::optional<SocketAddress> SocketAddress::parse(std::string_view host, std::uint16_t port) {
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  const std::string text(is_bracketed ? host.substr(1, host.size() - 2) : host);
  if (text.find('\0') != std::string::npos) return std::nullopt;
  SocketAddress address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (!is_bracketed && ::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    std::memcpy(&address.storage_, &v4, sizeof v4);
    address.size_ = sizeof v4;
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    std::memcpy(&address.storage_, &v6, sizeof v6);
    address.size_ = sizeof v6;
  } else {
    return std::nullopt;
  }
  address.set_port(port);
  return address;
}

const sockaddr* SocketAddress::data() const {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage_));
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(copy_of<sockaddr_in>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(copy_of<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) {
  if (family() == AF_INET) {
    auto address = copy_of<sockaddr_in>(storage_);
    address.sin_port = htons(port);
    std::memcpy(&storage_, &address, sizeof address);
  } else if (family() == AF_INET6) {
    auto address = copy_of<sockaddr_in6>(storage_);
    address.sin6_port = htons(port);
    std::memcpy(&storage_, &address, sizeof address);
  }
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET) {
    const auto address = copy_of<sockaddr_in>(storage_);
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  } else if (family() == AF_INET6) {
    const auto address = copy_of<sockaddr_in6>(storage_);
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
      ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
    }
  } else {
    return "local";
  }
  return text;
}

std::string SocketAddress::to_string() const {
  const std::string name = host();
  if (name.find(':') != std::string::npos) return fmt::format("[{}]:{}", name, port());
  return fmt::format("{}:{}", name, port());
}

Result<std::vector<SocketAddress>> resolve(std::string_view text) {
  const auto parts = split(text);
  if (!parts) {
    return fail(
        Errc::invalid,
        fmt::format("\"{}\" is not an address: write HOST:PORT, [IPV6]:PORT or *:PORT", text));
  }
  return addresses_of(parts->host == "*" ? nullptr : parts->host.c_str(), parts->port);
}

Result<std::vector<SocketAddress>> look_up(const std::string& host, std::uint16_t port) {
  if (host.empty() || host.find('\0') != std::string::npos) {
    return fail(Errc::invalid, "no host can have this name");
  }
  return addresses_of(host.c_str(), port);
}

}  // namespace sluice::net
