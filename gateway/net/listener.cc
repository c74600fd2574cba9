#include "gateway/net/listener.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/log.h"
#include "gateway/base/units.h"
#include "gateway/net/handles.h"

namespace sluice::net {
namespace {

constexpr Millis kRest{100};

void switch_on(int fd, int level, int option) {
  const int on = 1;
  ::setsockopt(fd, level, option, &on, sizeof on);
}

std::string reason(int error) {
  return std::generic_category().message(error);
}

sockaddr* raw(sockaddr_storage& storage) {
  return static_cast<sockaddr*>(static_cast<void*>(&storage));
}

/// Binds, or says with errno why not.
UniqueFd try_bind(const SocketAddress& address, const BindOptions& options) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (options.reuse_port) switch_on(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  // So that "*" can be 0.0.0.0 and :: side by side.
  if (address.family() == AF_INET6) switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(fd.get(), address.data(), address.size()) != 0) return {};
  if (::listen(fd.get(), options.backlog) != 0) return {};
  return fd;
}

bool is_absent(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

}  // namespace

Result<UniqueFd> bind_and_listen(const SocketAddress& address, const BindOptions& options) {
  UniqueFd fd = try_bind(address, options);
  if (fd) return fd;
  const int error = errno;
  return fail(Errc::io, fmt::format("cannot listen on {}: {}", address.to_string(), reason(error)));
}

Result<std::vector<UniqueFd>> listen_on(std::string_view text, const BindOptions& options) {
  auto addresses = resolve(text);
  if (!addresses) return tl::unexpected(addresses.error());
  std::vector<UniqueFd> sockets;
  std::string absent;
  std::uint16_t port = 0;
  for (SocketAddress& address : *addresses) {
    if (port != 0) address.set_port(port);
    UniqueFd fd = try_bind(address, options);
    if (fd) {
      port = local_port(fd.get());
      sockets.push_back(std::move(fd));
      continue;
    }
    const int error = errno;
    absent = fmt::format("cannot listen on {}: {}", address.to_string(), reason(error));
    if (!is_absent(error)) return fail(Errc::io, absent);
  }
  if (sockets.empty()) return fail(Errc::io, absent);
  return sockets;
}

SocketAddress local_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, raw(storage), &size) != 0) return {};
  return SocketAddress(raw(storage), size);
}

std::uint16_t local_port(int fd) {
  return local_address(fd).port();
}

Listener::Listener(Loop& loop, UniqueFd socket, Options options, Accepted accepted)
    : loop_(loop),
      socket_(std::move(socket)),
      options_(options),
      accepted_(std::move(accepted)),
      rested_(loop,
              [this] {
                is_resting_ = false;
                listen_if_wanted();
              }),
      event_(event_new(loop.base(), socket_.get(), EV_READ | EV_PERSIST,
                       Thunk<&Listener::on_ready>::call, this)) {
  SLUICE_ASSERT(event_ != nullptr, "a listener cannot be added to the loop");
  listen_if_wanted();
}

void Listener::pause() {
  is_paused_ = true;
  listen_if_wanted();
}

void Listener::resume() {
  is_paused_ = false;
  listen_if_wanted();
}

void Listener::listen_if_wanted() {
  loop_.assert_here();
  if (is_paused_ || is_resting_) {
    event_del(event_.get());
  } else {
    event_add(event_.get(), nullptr);
  }
}

void Listener::on_ready(short /*what*/) {
  (void)loop_.now();
  for (std::size_t i = 0; i < options_.accepts_per_turn && !is_paused_; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    UniqueFd fd(::accept4(socket_.get(), raw(peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // ECONNABORTED and the network errors of accept(2) concern one connection: take the next.
      if (errno == EAGAIN) return;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return rest(errno);
      }
      continue;
    }
    switch_on(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    counters_.accepted.add();
    accepted_(std::move(fd), SocketAddress(raw(peer), size).host());
  }
}

void Listener::rest(int error) {
  counters_.out_of_descriptors.add();
  if (loop_.now() >= next_log_) {
    next_log_ = loop_.now() + std::chrono::seconds(1);
    const bool lacks_descriptors = error == EMFILE || error == ENFILE;
    log::error("cannot accept connections on {}: {}; those that come wait. {}",
               local_address(socket_.get()).to_string(), reason(error),
               lacks_descriptors ? "Raise the limit of open files (LimitNOFILE of the unit, ulimit "
                                   "-n), or lower limits.connections"
                                 : "The machine lacks memory");
  }
  is_resting_ = true;
  listen_if_wanted();
  rested_.start(kRest);
}

}  // namespace sluice::net
