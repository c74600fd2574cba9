/// Opening: finds the history in Redis, or begins one, before anything runs.
///
/// Thread  main, before start.
#pragma once

#include <cstdint>
#include <string>

#include "gateway/base/result.h"
#include "gateway/redis/link.h"
#include "gateway/redis/options.h"
#include "gateway/sse/event.h"

namespace sluice::redis {

struct Opened {
  std::string epoch;
  sse::Position last;
  std::uint64_t mark = 0;
  sse::Position first;  ///< Of what is held; behind `last` when that is nothing.
};
/// Turns the loop until Redis has answered, or Options::start_timeout is over. The bounds of
/// `options` are those of the history from then on.
Result<Opened> open_history(const Wiring& wiring, const Options& options);

}  // namespace sluice::redis
