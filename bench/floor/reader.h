/// Reader: one TLS connection of the floor server, and its event streams.
///
/// It does what HTTP/2 cannot do without: SETTINGS and PING are acknowledged, each HEADERS frame
/// is taken for a GET of the events, RST_STREAM ends one. Flow control is *not* kept: a client
/// that is to be measured against it opens its windows wide, in all runs of a comparison.
///
/// Owner   the Server, or the proxy; destroyed only when no turn is running.
/// Thread  one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/common/net.h"
#include "bench/common/wire.h"
#include "bench/floor/frames.h"

namespace sluice::bench {

class Reader : public Watcher {
 public:
  /// `buffer` is shared by all readers, for one read each.
  Reader(const Poller& poller, Wire wire, std::span<char> buffer);

  void on_ready(std::uint32_t epoll_events) final;
  /// Writes at once what the socket takes, and the rest when it can.
  void send(std::string_view bytes);

  [[nodiscard]] std::span<const std::uint32_t> streams() const { return streams_; }
  [[nodiscard]] bool is_closed() const { return state_ == State::closed; }

 protected:
  /// What a request is answered with at once.
  virtual std::string on_request(const Frame& headers);
  virtual void on_reset(std::uint32_t stream);
  /// The client has gone.
  virtual void on_closed() {}

 private:
  enum class State { shaking_hands, preface, open, closed };

  void proceed(std::uint32_t epoll_events);
  void shake_hands();
  void read();
  /// Handles all whole frames of `bytes`; returns how many bytes that were.
  std::size_t handle(std::string_view bytes);
  void send_unsent();
  void watch(std::uint32_t epoll_events);

  const Poller& poller_;
  Wire wire_;
  std::span<char> buffer_;
  State state_ = State::shaking_hands;
  std::uint32_t watched_;
  std::vector<std::uint32_t> streams_;
  std::string partial_;  ///< A frame whose end has not come.
  std::string unsent_;
};

}  // namespace sluice::bench
