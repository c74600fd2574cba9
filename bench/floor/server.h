/// Server: the floor, the least that a TLS fan-out can cost with OpenSSL and sockets.
///
/// It takes events by POST and sends each to every stream as a DATA frame built once and copied
/// with the stream's number. All that a connection is to get goes out together, in records of up
/// to 16 KiB. There is no HTTP library, hub, history, or limit in it: what a gateway costs above
/// it is the price of those.
///
/// Thread  one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/common/net.h"
#include "bench/common/wire.h"
#include "bench/floor/poster.h"
#include "bench/floor/reader.h"

namespace sluice::bench {

class Server {
 public:
  struct Options {
    std::uint16_t tls_port = 0;
    std::uint16_t clear_port = 0;
    std::string certificate;
    std::string key;
    /// Off: one write per publish and connection. On: one write per loop turn and connection,
    /// which carries every event that was posted in that turn.
    bool batch = false;
  };

  explicit Server(const Options& options);
  /// One line for whoever started it: `ready` and the two addresses.
  [[nodiscard]] std::string ready_line() const;
  /// Serves until SIGTERM or SIGINT.
  void run();

 private:
  /// Calls a function of the server when a listener or the signal descriptor is ready.
  class Door final : public Watcher {
   public:
    explicit Door(std::function<void()> open) : open_(std::move(open)) {}
    void on_ready(std::uint32_t) override { open_(); }

   private:
    std::function<void()> open_;
  };

  void accept_readers();
  void accept_posters();
  void take_event(std::string_view body);
  void broadcast();
  void sweep();

  const Options options_;
  const TlsContextPtr tls_;
  Poller poller_;
  Fd tls_listener_;
  Fd clear_listener_;
  Fd signals_;
  Door tls_door_;
  Door clear_door_;
  Door signal_door_;
  bool stopped_ = false;
  std::vector<char> read_buffer_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<std::unique_ptr<Poster>> posters_;
  std::uint64_t position_ = 0;
  std::vector<std::string> events_;  ///< DATA frames that have not been sent yet.
  std::string record_;               ///< Of the connection whose turn it is.
};

}  // namespace sluice::bench
