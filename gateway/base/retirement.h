/// Retirement: a connection that has served for long enough ends in good order.
///
/// Streams that live for days pin their clients to one gateway: behind a balancer that counts
/// connections, one that was started later never gets its share. So each connection is told after
/// its age to open no more, and its event streams end one by one over a window: their clients come
/// back, on a new connection, wherever the balancer sends that. (gRPC A9 is the same for its own
/// streams, and says why it takes both.)
///
/// Owner   a session, from the moment on that its age is reached. Thread  its worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gateway/base/clock.h"

namespace sluice {

struct RetirementOptions {
  Duration age{};     ///< Of a connection, give or take a tenth; zero: none is too old.
  Duration window{};  ///< Over which its streams end.
};

/// When a connection retires. Those that came together, as after a restart, do not go together: by
/// `id` it is up to a tenth sooner or later.
[[nodiscard]] TimePoint retires_at(const RetirementOptions& options, TimePoint created,
                                   std::uint64_t id);

class Retirement {
 public:
  /// It begins `now`, with so many streams.
  Retirement(TimePoint now, Duration window, std::size_t streams)
      : begin_(now), window_(window), streams_(streams) {}

  /// How many streams have still to be told to end; it is taken that they are.
  [[nodiscard]] std::size_t take_due(TimePoint now);
  [[nodiscard]] bool is_over(TimePoint now) const { return now >= begin_ + window_; }
  /// When to look again.
  [[nodiscard]] TimePoint next(TimePoint now) const;

 private:
  TimePoint begin_;
  Duration window_;
  std::size_t streams_;
  std::size_t told_ = 0;
};

}  // namespace sluice
