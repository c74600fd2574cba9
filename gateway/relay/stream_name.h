/// Names of streams that Sluice gives, and the ids of their events: STREAM-N, as in
/// "sl4fG…9Q-17".
///
/// A name is "sl" and 22 random characters of [0-9A-Za-z], 130 bits: who knows one was given it.
/// Browsers may send such an id to another origin without asking first (Fetch, "CORS-safelisted
/// request-header"), and no upstream's id is taken for one but by intent.
/// Thread  any; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::relay {

std::string make_stream_name();
[[nodiscard]] bool is_stream_name(std::string_view text);

std::string make_event_id(std::string_view stream, std::uint64_t number);

struct EventId {
  std::string_view stream;  ///< A part of the text that was parsed.
  std::uint64_t number = 0;
};
/// None when `text` is not of this form, and so must be the upstream's.
std::optional<EventId> parse_event_id(std::string_view text);

}  // namespace sluice::relay
