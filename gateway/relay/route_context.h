/// RouteContext: what all exchanges of a route have in common on one worker.
///
/// Owner   Relay; outlives them. Thread  its worker's.
#pragma once

#include <string>

#include "gateway/net/loop.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/event_filter.h"
#include "gateway/relay/memory.h"
#include "gateway/relay/options.h"
#include "gateway/relay/stream.h"

namespace sluice::relay {

class Upstream;

struct RouteContext {
  const RouteOptions& options;
  const RetryRange& retry;
  Upstream& upstream;
  net::Loop& loop;
  Streams& streams;
  Memory& memory;
  const RetryBounds retry_bounds{options.min_retry, options.max_retry};
  RouteCounters counters{};
  std::string scratch{};  ///< For who needs bytes for the length of a call.
};

}  // namespace sluice::relay
