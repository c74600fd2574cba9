/// Resolver: the addresses of a name, asked on threads of its own, because getaddrinfo() waits.
///
/// Its threads begin when they are first needed. They are detached, and hold what they share with
/// the resolver by a shared_ptr: a resolver that ends waits for a `done` that is being called, but
/// not for a name server that does not answer. That thread finds out afterwards, and ends.
///
/// A name must not lead to where no name has to lead: link-local addresses (the metadata service
/// of a cloud is at one), unspecified ones (which mean this machine) and multicast are dropped from
/// the answer, in IPv6's wrappings of IPv4 as well. Addresses in numbers are the operator's own
/// word and no matter for this class: SocketAddress::parse().
///
/// Thread  resolve(): any. `done`: a resolver's thread, but the caller's when the queue is full.
/// Errors  not_found: nobody has that name, or nobody answers; denied: none of its addresses is
///         allowed; limit: too many wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/net/address.h"

namespace sluice::net {

class Resolver {
 public:
  using Addresses = Result<std::vector<SocketAddress>>;
  /// Called once, unless the resolver ends before. It may call resolve(), and must not destroy the
  /// resolver.
  using Done = std::function<void(Addresses)>;
  /// What asks; it may wait. It may outlive the resolver.
  using LookUp = std::function<Addresses(const std::string& host, std::uint16_t port)>;

  struct Options {
    std::size_t threads = 2;
    std::size_t queue = 1024;  ///< Questions that wait for their answer.
  };

  explicit Resolver(const Options& options, LookUp look_up = &net::look_up);
  /// No `done` is called when this has returned; those that wait are destroyed.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// A name that is being looked up is not looked up a second time: both get the one answer.
  void resolve(const std::string& host, std::uint16_t port, Done done);

 private:
  struct Shared;

  const std::shared_ptr<Shared> shared_;
};

/// True for an address to which a name may lead.
[[nodiscard]] bool may_be_named(const SocketAddress& address);

}  // namespace sluice::net
