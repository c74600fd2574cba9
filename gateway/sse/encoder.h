/// The encoder: events as the bytes of text/event-stream (HTML §9.2.5).
///
/// What goes in cannot break out: `data` is cut into lines at CR, LF and CRLF alike; `id` and
/// `type` must not hold line ends, which check_text() finds before an event is accepted.
/// Thread  any; pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::sse {

struct Block {
  std::string_view id;    ///< Empty: no id line.
  std::string_view type;  ///< Empty: a plain message.
  std::string_view data;  ///< May be empty: then the event has an empty string.
  std::optional<std::chrono::milliseconds> retry;
  bool resets_id = false;  ///< Without an id: the last one is no longer good, either.
};

/// The block with its final blank line. There is always a `data` line: without one, browsers
/// dispatch nothing and Firefox does not even take the id.
std::string encode(const Block& block);

/// A comment line, for heartbeats: no block, no blank line, so that no client takes it for an
/// event.
inline constexpr std::string_view kHeartbeat = ":\n";

/// `retry: N\n` without a blank line. Browsers have no floor or one of 500 ms, so N is at least
/// 500.
std::string retry_line(std::chrono::milliseconds retry);

/// Fit to be an event's id or type: UTF-8 without control characters, no blanks at its ends, at
/// most `max` bytes. The error names `what` ("id").
Result<void> check_text(std::string_view what, std::string_view text, std::size_t max);

/// The `gap` event: tells a reader that it may have missed something. It carries an id of its own,
/// so that a reconnect goes on behind it.
enum class GapReason {
  evicted,  ///< What it missed is no longer in the history.
  epoch,    ///< Its id is of a history that is lost.
  unknown,  ///< Its id was never given, or is long gone.
  dropped,  ///< It was too slow for a topic whose slow readers lose the oldest events.
};
/// `missed`: how many events, where that is known; 0: it is not.
std::string encode_gap(GapReason reason, std::string_view id, std::string_view last_event_id,
                       std::uint64_t missed = 0);

}  // namespace sluice::sse
