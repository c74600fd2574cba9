#include "bench/common/net.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "bench/common/args.h"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr int kBacklog = 4096;

void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// A port is chosen when it is known where to: each address then has all of them for each server.
bool come_from(int fd, const std::string& address) {
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  return inet_pton(AF_INET, address.c_str(), &source.sin_addr) == 1 &&
         bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source) == 0;
}

}  // namespace

Fd::Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) close(fd_);
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  const auto slash = text.find('/');
  const auto authority = text.substr(0, slash);
  const auto colon = authority.rfind(':');
  url.host = authority.substr(0, colon);
  url.port =
      colon == std::string_view::npos ? (url.tls ? "443" : "80") : authority.substr(colon + 1);
  url.path = slash == std::string_view::npos ? "/" : text.substr(slash);
  if (url.host.empty() || url.port.empty()) return std::nullopt;
  return url;
}

Fd connect_to(const Url& url) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  Fd fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  send_at_once(fd.get());
  if (!url.source.empty() && !come_from(fd.get(), url.source)) return {};
  if (connect(fd.get(), found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS) return {};
  return fd;
}

Fd listen_on_loopback(std::uint16_t port) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) die("cannot make a socket");
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd.get(), kBacklog) != 0) {
    die("cannot listen on 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

std::uint16_t port_of(const Fd& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

Fd accept_from(const Fd& listener) {
  Fd fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) send_at_once(fd.get());
  return fd;
}

void ignore_broken_pipes() {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(now.tv_nsec);
}

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) die("cannot make an epoll");
}

void Poller::add(const Fd& fd, Watcher* watcher, std::uint32_t epoll_events) const {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = watcher;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) die("cannot watch a socket");
}

void Poller::change(const Fd& fd, Watcher* watcher, std::uint32_t epoll_events) const {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = watcher;
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event);
}

void Poller::add(const Poller& inner, Watcher* watcher) const {
  add(inner.epoll_, watcher, EPOLLIN);
}

void Poller::turn(std::uint64_t timeout_ns, int most) const {
  std::array<epoll_event, kReadyPerTurn> ready;  // filled by the kernel
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kNanosPerSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kNanosPerSecond);
  const int count =
      epoll_pwait2(epoll_.get(), ready.data(), std::min(most, kReadyPerTurn), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto& event = ready[static_cast<std::size_t>(i)];
    static_cast<Watcher*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace sluice::bench
