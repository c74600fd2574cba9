/// Shedding: while memory is short, some of those whom it hurts least are sent away, a few at a
/// time, until it is not.
///
/// - connections without a request, and those whose request does not end: the one that is idle for
///   longest first; by GOAWAY, or a FIN
/// - the hub's slowest readers: the one that is farthest behind first; by a `retry` and the end
/// - who takes nothing at all: after kStuck instead of timeouts.write; by a reset
///
/// All of them come back by themselves, and with their Last-Event-ID miss nothing. A share of each
/// goes every kInterval, a larger and sooner one when newcomers are parked already.
///
/// Owner  its worker. Thread  that worker only.
#pragma once

#include <functional>

#include "gateway/net/connections.h"
#include "gateway/net/timer.h"
#include "gateway/server/counters.h"
#include "gateway/server/event_stream.h"
#include "gateway/server/memory_level.h"

namespace sluice::server {

class Shedding {
 public:
  static constexpr Millis kInterval{250};
  static constexpr Duration kIdle = std::chrono::seconds(5);
  static constexpr Duration kIdleWhenParking = std::chrono::seconds(2);
  static constexpr Duration kStuck = std::chrono::seconds(5);

  struct Setting {
    net::Connections& connections;
    IntrusiveList<EventStream, EventStreamTag>& streams;
    const RetryOptions& retry;
    Counters& counters;
  };

  Shedding(net::Loop& loop, const Setting& setting);
  /// Begins, goes on or ends.
  void set(MemoryLevel level);
  /// What the timer calls.
  void look();

 private:
  [[nodiscard]] std::size_t share_of(std::size_t all) const;
  void end_slowest_readers();

  const Setting setting_;
  net::Timer timer_;
  MemoryLevel level_ = MemoryLevel::calm;
};

}  // namespace sluice::server
