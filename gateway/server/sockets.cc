#include "gateway/server/sockets.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/net/listener.h"
#include "gateway/server/files.h"

namespace sluice::server {
namespace {

/// The first descriptor that a service manager passes (sd_listen_fds(3)).
constexpr int kFirstPassed = 3;

bool is_listening(int fd) {
  int accepts = 0;
  socklen_t size = sizeof accepts;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts != 0;
}

void prepare(int fd) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/// "*:443" means one address for each family, and one socket may serve both.
bool is_meant(const net::SocketAddress& socket, const std::vector<net::SocketAddress>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(), [&](const net::SocketAddress& address) {
    return address.to_string() == socket.to_string();
  });
}

Result<std::vector<UniqueFd>> open_new(const std::string& address, std::size_t count) {
  const net::BindOptions options{.reuse_port = count > 1};
  // With SO_REUSEPORT a second gateway would silently share the port: ask without it first.
  if (auto alone = net::listen_on(address, {}); !alone) return alone;
  auto sockets = net::listen_on(address, options);
  if (!sockets) return sockets;
  std::vector<UniqueFd> all;
  for (UniqueFd& socket : *sockets) {
    const net::SocketAddress bound = net::local_address(socket.get());
    all.push_back(std::move(socket));
    for (std::size_t i = 1; i < count; ++i) {
      auto another = net::bind_and_listen(bound, options);
      if (!another) return tl::unexpected(another.error());
      all.push_back(std::move(*another));
    }
  }
  return all;
}

}  // namespace

void Sockets::inherit(std::string name, UniqueFd socket) {
  prepare(socket.get());
  waiting_.push_back({std::move(name), std::move(socket)});
}

Result<void> Sockets::take_passed() {
  const std::size_t count = environment_number("LISTEN_FDS").value_or(0);
  const bool are_ours = environment_number("LISTEN_PID") == static_cast<std::uint64_t>(::getpid());
  for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) {
    ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
  }
  if (!are_ours) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = kFirstPassed + static_cast<int>(i);
    if (!is_listening(fd)) {
      return fail(Errc::invalid, fmt::format("the service manager passed something as descriptor "
                                             "{} that is no listening stream socket: use "
                                             "ListenStream= in the socket unit",
                                             fd));
    }
    prepare(fd);
    waiting_.push_back({.name = {}, .socket = UniqueFd(fd)});
  }
  return {};
}

std::vector<UniqueFd> Sockets::take_waiting(const std::string& name) {
  std::vector<UniqueFd> taken;
  for (Waiting& waiting : waiting_) {
    if (waiting.name == name) taken.push_back(std::move(waiting.socket));
  }
  std::erase_if(waiting_, [](const Waiting& waiting) { return !waiting.socket; });
  return taken;
}

Result<std::vector<UniqueFd>> Sockets::take_passed_for(const std::string& address) {
  std::vector<UniqueFd> taken;
  const bool has_passed = std::any_of(waiting_.begin(), waiting_.end(),
                                      [](const Waiting& waiting) { return waiting.name.empty(); });
  if (!has_passed) return taken;
  const auto addresses = net::resolve(address);
  if (!addresses) return tl::unexpected(addresses.error());
  for (Waiting& waiting : waiting_) {
    if (!waiting.name.empty()) continue;
    if (is_meant(net::local_address(waiting.socket.get()), *addresses)) {
      taken.push_back(std::move(waiting.socket));
    }
  }
  std::erase_if(waiting_, [](const Waiting& waiting) { return !waiting.socket; });
  return taken;
}

Result<std::vector<UniqueFd>> Sockets::open(const std::string& address, std::size_t count) {
  const std::string name = fmt::format("{}#{}", address, asked_[address]++);
  std::vector<UniqueFd> sockets = take_waiting(name);
  if (sockets.empty()) {
    auto passed = take_passed_for(address);
    if (!passed) return passed;
    sockets = std::move(*passed);
  }
  if (sockets.empty()) {
    auto made = open_new(address, count);
    if (!made) return made;
    sockets = std::move(*made);
  }
  for (const UniqueFd& socket : sockets) in_use_.push_back({name, socket.get()});
  return sockets;
}

Result<void> Sockets::drop_others() {
  for (const Waiting& waiting : std::exchange(waiting_, {})) {
    const std::string address = net::local_address(waiting.socket.get()).to_string();
    if (waiting.name.empty()) {
      return fail(Errc::invalid,
                  fmt::format("the service manager passed a socket for {}, and nothing in the "
                              "configuration listens there: give it a [[listen]] with address = "
                              "\"{}\", or take its ListenStream= out of the socket unit",
                              address, address));
    }
    log::info("{} is listened on no more", address);
  }
  return {};
}

}  // namespace sluice::server
