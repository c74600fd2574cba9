/// What a silent stream gets, in the route's form, and when. Between two events only.
///
/// Thread  Pulse: its owner's; append_heartbeat(): any, a pure function.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/relay/options.h"

namespace sluice::relay {

/// When one stream gets a heartbeat: those that began together do not speak together.
class Pulse {
 public:
  /// The stream begins. What it says first leaves with its head: Firefox fires `open` at the first
  /// byte of the body, and without one it gives up for ever when the connection is lost.
  [[nodiscard]] std::string_view begin(const RouteOptions& route);
  /// When a heartbeat is due, if nothing was written since; max(): never.
  [[nodiscard]] TimePoint due(TimePoint last_write) const {
    return interval_.count() == 0 ? TimePoint::max() : last_write + interval_;
  }

 private:
  std::chrono::duration<std::uint32_t, std::milli> interval_{};  ///< 0: there are none.
};

/// `event`: its type, for HeartbeatForm::event.
void append_heartbeat(HeartbeatForm form, std::string_view event, std::string& out);

}  // namespace sluice::relay
