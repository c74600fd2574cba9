/// Publisher: one keep-alive HTTP/1.1 connection that posts one event at a time.
///
/// Owner   the Run; destroyed only when no turn is running.
/// Thread  one.
/// Errors  counted in Publisher::Counts; a lost connection is made anew; when that fails too, the
/// publisher is out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/common/net.h"
#include "bench/common/wire.h"
#include "bench/load/options.h"

namespace sluice::bench {

class Publisher final : public Watcher {
 public:
  /// Of all publishers of a run.
  struct Counts {
    std::uint64_t started = 0;
    std::uint64_t acknowledged = 0;  ///< Answered with a 2xx.
    std::uint64_t refused = 0;       ///< Answered with anything else.
    std::uint64_t lost = 0;          ///< The connection closed before the answer.
    std::uint64_t unreachable = 0;   ///< Publishers that could not connect, or not again.
    std::string last_failure;

    [[nodiscard]] std::uint64_t unanswered() const {
      return started - acknowledged - refused - lost;
    }
  };
  /// What publishers share.
  struct Shared {
    const Options& options;
    Poller& poller;
    Counts counts;
    TlsContextPtr tls;
  };

  Publisher(Shared& shared, std::uint32_t number);

  void on_ready(std::uint32_t epoll_events) override;
  /// Can start an event now.
  [[nodiscard]] bool is_idle() const { return state_ == State::idle; }
  /// The next event, with the next sequence, and `sent_ns` as the begin of its delay. REQUIRES:
  /// is_idle().
  void publish(std::uint64_t sent_ns);
  /// The sequence of the last event that was acknowledged.
  [[nodiscard]] std::uint32_t acknowledged() const { return acknowledged_; }

 private:
  enum class State { connecting, idle, waiting, failed };

  void connect();
  void shake_hands();
  void flush();
  void read();
  void take_answer(std::size_t head_end);
  void lose();
  void give_up();
  void watch(std::uint32_t epoll_events);

  Shared& shared_;
  const std::uint32_t number_;
  const std::string head_;  ///< Of every request.
  Wire wire_;
  State state_ = State::connecting;
  std::uint32_t sequence_ = 0;
  std::uint32_t acknowledged_ = 0;
  std::uint32_t watched_ = 0;
  std::string unsent_;
  std::string answer_;  ///< As much as has come.
};

}  // namespace sluice::bench
