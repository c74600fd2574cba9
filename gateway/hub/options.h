/// hub::Options: what one worker's hub may hold. Filled by server/config; a plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/units.h"

namespace sluice::hub {

/// What a reader gets that cannot keep up with a topic's events.
enum class Policy : std::uint8_t {
  replay,  ///< All of them, from history, as fast as it takes them.
  latest,  ///< The newest of each topic, or of each key that the publisher gave.
  drop,    ///< What is newer than the ring's oldest; a gap event says how many it lost.
  close,   ///< The end of its stream; it comes back with its Last-Event-ID.
};

/// What a reader gets whose id is unknown, of a lost history, or no longer held.
enum class LostCursor : std::uint8_t {
  gap,       ///< A gap event, then everything held.
  earliest,  ///< Everything held.
  latest,    ///< A gap event, then what is published from now on.
};

/// What holds for the topics that `match` takes; 0 is "no bound".
struct TopicRule {
  std::string match{};  ///< A topic, a URI Template or "*".
  Policy policy = Policy::replay;
  std::size_t max_rate =
      0;  ///< Events per second and subscription; what is superseded is left out.
  std::size_t max_events = 0;  ///< Held of each topic by itself.
  std::size_t max_bytes = 0;   ///< The same, in bytes of memory or of the file.
  Millis max_age{0};           ///< How long each is held.

  [[nodiscard]] bool has_retention() const {
    return max_events > 0 || max_bytes > 0 || max_age > Millis(0);
  }
};

struct Options {
  std::size_t history_events = 100'000;  ///< Events held in memory for readers that come back.
  std::size_t history_bytes = 256_MiB;   ///< Bytes of them; the oldest go first.
  Millis history_age{0};                 ///< How long events are held; 0: as long as there is room.
  LostCursor lost_cursor = LostCursor::gap;
  std::vector<TopicRule> rules{};       ///< The first that matches holds.
  std::size_t ring_events = 1024;       ///< Per channel: how far a live reader may fall behind.
  std::size_t ring_bytes = 1_MiB;       ///< Per channel; raising it raises what bursts may pin.
  std::size_t channels = 100'000;       ///< Distinct interests; a newcomer past it is parked.
  std::size_t patterns = 10'000;        ///< Distinct patterns, a costly one counting for several.
  std::size_t selectors = 100;          ///< Per subscription.
  std::size_t selector_length = 4_KiB;  ///< Bytes of one selector.
  std::size_t max_rate = 1000;          ///< The most that a subscriber may ask for by itself.
  /// Looks at history per turn, of all lagging readers together: one for each event and selector.
  std::size_t scan_events = 8192;
};

}  // namespace sluice::hub
