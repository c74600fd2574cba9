/// Visitor: one connection to the application, in the clear, and what is spoken on it.
///
/// Owner   the Application; destroyed only when no turn is running.
/// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/common/net.h"
#include "bench/common/wire.h"

namespace sluice::bench {

class Application;
class Visitor;

/// HTTP/1.1 or HTTP/2, on one connection.
class Dialect {
 public:
  Dialect() = default;
  Dialect(const Dialect&) = delete;
  Dialect& operator=(const Dialect&) = delete;
  virtual ~Dialect() = default;

  /// Takes what was read; false: the connection is to be closed.
  virtual bool take(std::string_view bytes) = 0;
  /// Adds what is to be written next, if there is anything; false: the connection is broken.
  virtual bool collect(std::string& out) = 0;
  virtual void on_sent(std::size_t) {}
};

/// What the Visitor offers to its dialect.
struct Host {
  Application& application;
  Visitor& visitor;
};
std::unique_ptr<Dialect> make_h1(Host host);
std::unique_ptr<Dialect> make_h2(Host host);

class Visitor final : public Watcher {
 public:
  /// `buffer` is shared by all visitors, for one read each.
  Visitor(Application& application, const Poller& poller, Wire wire, std::span<char> buffer);

  void on_ready(std::uint32_t epoll_events) override;
  void flush();
  /// To be flushed behind this turn.
  void mark();
  [[nodiscard]] bool is_closed() const { return is_closed_; }

 private:
  void read();
  void take(std::string_view bytes);
  void watch(std::uint32_t epoll_events);

  Application& application_;
  const Poller& poller_;
  Wire wire_;
  std::span<char> buffer_;
  std::uint32_t watched_;
  bool is_closed_ = false;
  bool is_marked_ = false;
  std::string beginning_;  ///< Until it tells HTTP/1.1 and HTTP/2 apart.
  std::string unsent_;
  std::unique_ptr<Dialect> dialect_;
};

}  // namespace sluice::bench
