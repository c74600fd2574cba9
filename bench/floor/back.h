/// Back: the connection to the application that one stream of the least proxy has for itself.
///
/// Owner   the Front; destroyed only when no turn is running.
/// Thread  one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/common/net.h"
#include "bench/common/wire.h"

namespace sluice::bench {

class Front;

class Back final : public Watcher {
 public:
  /// Connects, and asks for `path`.
  Back(Front& front, std::uint32_t stream, std::string_view path);

  void on_ready(std::uint32_t epoll_events) override;
  [[nodiscard]] std::uint32_t stream() const { return stream_; }
  [[nodiscard]] bool is_closed() const { return is_closed_; }
  /// The client does not want it any more.
  void close();

 private:
  void send_request();
  void read();
  /// Appends what of `bytes` is the head, until it is whole; returns the rest.
  std::string_view take_head(std::string_view bytes);
  /// Gives the front one DATA frame of all that `bytes` has in its chunks.
  void take_chunks(std::string_view bytes);
  /// There is no more for the client.
  void end();

  Front& front_;
  const std::uint32_t stream_;
  Wire wire_;
  std::string text_;      ///< The request, then the head of the answer until it is whole.
  std::size_t left_ = 0;  ///< Of a chunk's data and its line end, or a chunk's size so far.
  enum class State : std::uint8_t { connecting, head, size, data } state_ = State::connecting;
  bool is_closed_ = false;
};

}  // namespace sluice::bench
