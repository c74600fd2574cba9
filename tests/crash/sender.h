/// Sender: one publisher with a kept-alive HTTP/1.1 connection and one request at a time.
///
/// An event whose answer does not come is never sent again: nobody knows what became of it.
///
/// Owner   the witness. Thread  one.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "bench/common/net.h"
#include "tests/crash/tally.h"

namespace sluice::crash {

class Sender final : public bench::Watcher {
 public:
  struct Place {
    const bench::Url& url;
    const std::string& token;
    const bench::Poller& poller;
    Tally& tally;
    std::mt19937_64& random;
  };

  explicit Sender(Place place) : place_(place) {}

  void on_ready(std::uint32_t epoll_events) override;
  /// Connects again when that is due.
  void tick(std::uint64_t now);
  /// Publishes the next event; only when is_free().
  void send();

  [[nodiscard]] bool is_free() const { return stage_ == Stage::free; }
  /// Waits for the answer to an event.
  [[nodiscard]] bool is_busy() const { return event_.has_value(); }

 private:
  enum class Stage { apart, connecting, free, busy };

  void read_some();
  void read_answer();
  void leave();

  const Place place_;
  Stage stage_ = Stage::apart;
  bench::Fd fd_;
  std::string buffer_;
  std::optional<std::uint64_t> event_;
  std::uint64_t due_ = 0;
};

}  // namespace sluice::crash
