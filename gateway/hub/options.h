/// hub::Options: what one worker's hub may hold. Filled by server/config; a plain value.
#pragma once

#include <cstddef>

#include "gateway/base/units.h"

namespace sluice::hub {

struct Options {
  std::size_t history_events = 100'000;  ///< Events a reader can still come back to.
  std::size_t history_bytes = 256_MiB;   ///< Bytes of them, encoded; the oldest go first.
  std::size_t ring_events = 1024;        ///< Per channel: how far a live reader may fall behind.
  std::size_t ring_bytes = 1_MiB;        ///< Per channel; raising it raises what bursts may pin.
  std::size_t channels = 100'000;        ///< Distinct interests; a newcomer past it is parked.
  std::size_t patterns = 10'000;         ///< Distinct templates: each event is held against all.
  std::size_t selectors = 100;           ///< Per subscription.
  std::size_t selector_length = 4_KiB;   ///< Bytes of one selector.
  /// Looks at history per turn, of all lagging readers together: one for each event and selector.
  std::size_t scan_events = 8192;
};

}  // namespace sluice::hub
