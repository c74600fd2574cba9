/// Retirement: a connection that has served for long enough ends in good order.
///
/// Streams that live for days pin their clients to one gateway: behind a balancer that counts
/// connections, one that was started later never gets its share. So each connection is told after
/// its age to open no more, and its event streams end one by one over a window: their clients come
/// back, on a new connection, wherever the balancer sends that. (gRPC A9 is the same for its own
/// streams, and says why it takes both.)
///
/// Thread  plain values and a pure function.
#pragma once

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

}  // namespace sluice
