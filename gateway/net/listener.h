/// Listener: accepts connections on a listening socket.
///
/// When the process is out of descriptors it rests for 100 ms instead of spinning: the connection
/// that cannot be accepted stays in the kernel's queue and keeps the socket readable.
///
/// Owner   the worker. Several workers may each have a Listener on a copy of one socket.
/// Thread  its loop's; counters: any.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/c_handle.h"
#include "gateway/base/counters.h"
#include "gateway/net/address.h"
#include "gateway/net/timer.h"

namespace sluice::net {

struct BindOptions {
  bool reuse_port = false;  ///< Several sockets on one port; the kernel spreads connections.
  int backlog = 4096;
};

/// A non-blocking listening socket. The error names the address.
Result<UniqueFd> bind_and_listen(const SocketAddress& address, const BindOptions& options);
/// One socket for each address that `text` means (see resolve()), all on one port even if that is
/// 0. An address that this machine does not have is passed over as long as another can be bound.
Result<std::vector<UniqueFd>> listen_on(std::string_view text, const BindOptions& options);
/// The address a socket is bound to; port 0 has become a real one.
SocketAddress local_address(int fd);
std::uint16_t local_port(int fd);

class Listener {
 public:
  struct Options {
    std::size_t accepts_per_turn = 16;  ///< So that newcomers do not starve those who are here.
  };
  struct Counters {
    Counter accepted;
    Counter out_of_descriptors;  ///< Accepts that failed for want of descriptors or memory.
  };
  /// `peer` is the caller's address without port.
  using Accepted = std::function<void(UniqueFd, std::string peer)>;

  Listener(Loop& loop, UniqueFd socket, Options options, Accepted accepted);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Connections wait in the kernel's queue until resume().
  void pause();
  void resume();
  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] std::uint16_t port() const { return local_port(socket_.get()); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void on_ready(short what);
  void rest(int error);
  void listen_if_wanted();

  Loop& loop_;
  const UniqueFd socket_;
  const Options options_;
  const Accepted accepted_;
  Counters counters_;
  TimePoint next_log_{};
  bool is_paused_ = false;
  bool is_resting_ = false;
  Timer rested_;
  EventPtr event_;  ///< Last: it goes first, while the socket is still open.
};

}  // namespace sluice::net
