/// Draft and Event: what a publisher hands in, and what is delivered.
///
/// A Draft is text still to be ordered. An Event is the same with its position and id, encoded
/// once into the bytes that every subscriber gets; it never changes and is shared by pointer.
/// Thread  a Draft belongs to whoever has it; an Event may be read by any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/strong.h"

namespace sluice::sse {

/// Where an event stands in the journal: 1, 2, 3, … without holes. 0 is "before the first".
using Position = Strong<struct PositionTag, std::uint64_t>;

struct Draft {
  std::vector<std::string> topics;  ///< The first is the canonical one. Never empty.
  std::string data;                 ///< UTF-8; lines end in CR, LF or CRLF.
  std::string id = {};              ///< The publisher's; empty: the gateway makes one.
  std::string type = {};            ///< The SSE event name; empty: a plain message.
  std::optional<std::chrono::milliseconds> retry = {};
  bool is_private = false;  ///< Only for subscribers with a grant on one of its topics.
  /// What it is the newest state of, within its first topic, for readers that get only the newest
  /// (conflation). Empty: of the topic itself.
  std::string key = {};
  std::optional<std::chrono::milliseconds> ttl = {};  ///< It is not replayed after so long.
  /// Two drafts with the same one, within a window of time, are one event. Empty: no such check.
  std::string once = {};
};

struct Event {
  Position position;
  std::vector<std::string> topics;
  std::string id;           ///< The publisher's, else the journal's.
  bool has_own_id = false;  ///< The publisher chose `id`.
  bool is_private = false;
  std::string key;                  ///< As in the Draft.
  WallTime time;                    ///< When it was ordered.
  std::optional<WallTime> expires;  ///< It is not replayed from then on.
  std::string wire;  ///< The whole SSE block, from its first field to its blank line.

  /// What it costs to keep.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] bool is_expired(WallTime now) const { return expires && now >= *expires; }
};
using EventPtr = std::shared_ptr<const Event>;

/// Orders a draft: gives it its place and its time, encodes it.
EventPtr make_event(Draft draft, Position position, std::string_view epoch, WallTime time = {});

}  // namespace sluice::sse
