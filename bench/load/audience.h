/// Audience: what all subscribers share: the options, the books, and one read buffer.
///
/// Owner   a run; not moved.
/// Thread  one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/common/histogram.h"
#include "bench/common/net.h"
#include "bench/common/wire.h"
#include "bench/load/event_scanner.h"
#include "bench/load/ledger.h"
#include "bench/load/options.h"

namespace sluice::bench {

/// How a stream takes what comes; by HTTP/2's flow control, never by reading late.
enum class Pace : std::uint8_t {
  full,
  slow,  ///< As take_slowly() says.
  none,  ///< Until its window is full.
};
struct StreamPlan {
  std::string path;
  Pace pace = Pace::full;
  bool is_measured = true;  ///< Its deliveries count for `latency` and `measured_deliveries`.
};

struct Audience {
  /// Those from connect_failed on are faults.
  struct Counts {
    std::uint64_t deliveries = 0;
    std::uint64_t reads = 0;          ///< Records that held at least one event.
    std::uint64_t bytes = 0;          ///< Decrypted, frames included.
    std::uint64_t streams_ready = 0;  ///< Had their 200 and first byte.
    std::uint64_t connections_open = 0;
    std::uint64_t connections_ready = 0;  ///< So are all their streams.
    std::uint64_t measured_deliveries = 0;
    std::uint64_t streams_with_heartbeat = 0;
    std::uint64_t goodbyes = 0;  ///< Streams that ended as `expects_goodbye` says.
    std::uint64_t connect_failed = 0;
    std::uint64_t non_200 = 0;
    std::uint64_t streams_reset = 0;
    std::uint64_t streams_ended = 0;
    std::uint64_t connections_lost = 0;
    std::uint64_t foreign = 0;  ///< Events that no publisher of this run wrote: a `gap`, say.
    std::uint64_t damaged = 0;  ///< Our event, but not of its size.
  };

  explicit Audience(const Options& asked)
      : options(asked),
        tls(client_context("h2")),
        ledger(asked.subscribers(), asked.publishers),
        plan([this](std::size_t stream) { return StreamPlan{options.path_of(stream)}; }),
        read_buffer(kReadBuffer) {}

  [[nodiscard]] std::uint64_t connection_faults() const {
    return counts.connect_failed + counts.non_200 + counts.streams_reset + counts.streams_ended +
           counts.connections_lost;
  }
  /// Which of its publishers a stream has an event of; nothing: of none of this run. An
  /// application behind a relay is the only one, and marks a stream's events with its number.
  [[nodiscard]] std::optional<std::size_t> publisher_of(const EventScanner::Event& event,
                                                        std::size_t stream) const {
    if (!event.token) return std::nullopt;
    const auto publisher = event.token->publisher;
    if (options.has_source()) return publisher == stream ? std::optional{0UL} : std::nullopt;
    return publisher < options.publishers ? std::optional{std::size_t{publisher}} : std::nullopt;
  }
  static constexpr std::size_t kReadBuffer = 65'536;

  const Options& options;
  std::string last_event_id;  ///< Behind which each stream goes on; empty: what comes from now on.
  bool has_slow = false;      ///< Some streams have a pace other than full.
  bool expects_goodbye = false;  ///< Streams may end now, behind a last `retry:` line.
  TlsContextPtr tls;
  Poller poller;
  Counts counts;
  Ledger ledger;
  std::function<StreamPlan(std::size_t stream)> plan;
  Histogram latency;     ///< Of deliveries while `measuring`.
  Histogram first_byte;  ///< From connect() to a stream's first byte.
  bool measuring = false;
  std::uint64_t read_ns = 0;      ///< When the bytes at hand were read.
  std::vector<char> read_buffer;  ///< For the subscriber whose turn it is.
};

}  // namespace sluice::bench
