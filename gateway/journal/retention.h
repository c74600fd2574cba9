/// Retention: how long history keeps events.
///
/// Thread  a plain value.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "gateway/base/units.h"

namespace sluice::journal {

/// 0 is "no bound" in each.
struct Retention {
  std::size_t events = 0;
  std::size_t bytes = 0;  ///< Of memory or of the file, as the journal counts them.
  Millis age{0};
  /// Only the newest event of the topic counts: nobody is told that he misses an older one.
  bool is_state = false;
};

/// What holds for each topic of that name by itself, beside the bounds of all history; null:
/// nothing does. An event is kept or not by its first topic. Any thread.
using RetentionOf = std::function<const Retention*(std::string_view topic)>;

}  // namespace sluice::journal
