/// Poster: one keep-alive HTTP/1.1 connection in the clear that posts events to the floor server.
///
/// Owner   the Server; destroyed only when no turn is running.
/// Thread  one.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "bench/common/net.h"
#include "bench/common/wire.h"

namespace sluice::bench {

class Poster final : public Watcher {
 public:
  /// Called with the body of each POST, after it was answered.
  using OnEvent = std::function<void(std::string_view body)>;

  Poster(const Poller& poller, Wire wire, OnEvent on_event);

  void on_ready(std::uint32_t epoll_events) override;
  [[nodiscard]] bool is_closed() const { return closed_; }

 private:
  /// Handles the request that `request_` begins with; false while it is not complete.
  bool handle_request();
  void answer(std::string_view text);

  Wire wire_;
  OnEvent on_event_;
  std::string request_;
  bool closed_ = false;
};

}  // namespace sluice::bench
