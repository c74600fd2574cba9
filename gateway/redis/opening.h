/// Opening: finds the history in Redis, or begins one, before anything runs.
///
/// Thread  main, before start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/redis/link.h"
#include "gateway/redis/options.h"
#include "gateway/sse/event.h"

namespace sluice::redis {

struct Opened {
  std::string epoch;
  sse::Position last;
  std::uint64_t mark = 0;
  sse::Position first;   ///< Of what is held; behind `last` when that is nothing.
  std::string eviction;  ///< maxmemory-policy; empty where we may not ask.
};
/// Turns the loop until Redis has answered, or Options::start_timeout is over. The bounds of
/// `options` are those of the history from then on.
Result<Opened> open_history(const Wiring& wiring, const Options& options);

/// None: that policy lets history be.
std::optional<std::string> warning_of_eviction(std::string_view policy);

}  // namespace sluice::redis
