/// Sockets of the bench programs: addresses, non-blocking TCP, one epoll.
///
/// Thread  one; nothing here is shared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::bench {

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string path;
  std::string source;  ///< The address of ours to connect from; empty: any.

  [[nodiscard]] std::string authority() const { return host + ":" + port; }
};

std::optional<Url> parse_url(std::string_view text);

/// Starts a non-blocking connect; writable when done. Empty when no address answers at all.
Fd connect_to(const Url& url);
/// A non-blocking listener on loopback; port 0 takes any. Dies when it cannot.
Fd listen_on_loopback(std::uint16_t port);
std::uint16_t port_of(const Fd& listener);
/// The next connection waiting, non-blocking and without Nagle; empty when there is none.
Fd accept_from(const Fd& listener);

/// A write to a connection that the peer closed fails, instead of ending the program.
void ignore_broken_pipes();

/// Nanoseconds of the monotonic clock.
std::uint64_t now_ns();

/// Whoever waits for a descriptor. Called at most once per turn for each descriptor.
class Watcher {
 public:
  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  Watcher(Watcher&&) = delete;
  Watcher& operator=(Watcher&&) = delete;
  virtual ~Watcher() = default;
  virtual void on_ready(std::uint32_t epoll_events) = 0;
};

class Poller {
 public:
  Poller();
  void add(const Fd& fd, Watcher* watcher, std::uint32_t epoll_events) const;
  void change(const Fd& fd, Watcher* watcher, std::uint32_t epoll_events) const;
  /// `watcher` is called when `inner` has something ready.
  void add(const Poller& inner, Watcher* watcher) const;
  /// Waits up to `timeout_ns`, then calls the watcher of each ready descriptor, of `most` at most.
  /// A watcher must not be destroyed during the turn: it may still be among the ready ones.
  void turn(std::uint64_t timeout_ns, int most = kReadyPerTurn) const;

 private:
  static constexpr int kReadyPerTurn = 256;

  Fd epoll_;
};

}  // namespace sluice::bench
