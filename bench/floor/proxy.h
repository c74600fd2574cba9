/// Proxy: the least that a relay of event streams can cost with OpenSSL and sockets.
///
/// Each stream has a connection of its own to the application, over HTTP/1.1 in the clear. What a
/// turn of the loop reads there is taken out of its chunks, put into DATA frames, and written once
/// for each client's connection, in records of up to 16 KiB. Answers' heads are the same for all;
/// nothing is checked, and flow control is *not* kept.
///
/// Thread  one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/net.h"
#include "bench/common/wire.h"
#include "bench/floor/path_reader.h"
#include "bench/floor/reader.h"

namespace sluice::bench {

class Front;

class Proxy {
 public:
  struct Options {
    std::uint16_t tls_port = 0;
    std::string certificate;
    std::string key;
    Url upstream;
  };

  explicit Proxy(const Options& options);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  /// One line for whoever started it: `ready` and the address.
  [[nodiscard]] std::string ready_line() const;
  /// Serves until it is ended by a signal.
  [[noreturn]] void run();

  // For its connections.
  [[nodiscard]] const Url& upstream() const { return options_.upstream; }
  [[nodiscard]] const Poller& poller() const { return poller_; }
  PathReader& paths() { return paths_; }
  std::span<char> buffer() { return buffer_; }
  /// It has something to write behind this turn.
  void mark(Front& front) { marked_.push_back(&front); }
  /// Something is closed, and can go behind this turn.
  void mark_closed() { has_closed_ = true; }

 private:
  class Door final : public Watcher {
   public:
    explicit Door(Proxy& proxy) : proxy_(proxy) {}
    void on_ready(std::uint32_t) override { proxy_.accept(); }

   private:
    Proxy& proxy_;
  };

  void accept();
  void sweep();

  const Options options_;
  const TlsContextPtr tls_;
  Poller poller_;
  PathReader paths_;
  Fd listener_;
  Door door_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Front>> fronts_;
  std::vector<Front*> marked_;
  bool has_closed_ = false;
};

}  // namespace sluice::bench
