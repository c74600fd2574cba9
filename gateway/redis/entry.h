/// Entry: an event as it stands in the stream, and how it gets there; journal.lua has the format.
///
/// Thread  any; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/redis/codec.h"
#include "gateway/sse/event.h"

namespace sluice::redis {

struct Entry {
  sse::Position position;
  std::uint64_t mark = 0;  ///< Its own …
  std::uint64_t prev = 0;  ///< … and that of the one before it.
  std::string epoch;       ///< Not empty: it is no event, but another epoch begins behind it.
  sse::EventPtr event;     ///< Null: what stands there is no event that we could deliver.
};

/// `epoch` is what ids begin with. None: it was not written by the script.
std::optional<Entry> read_entry(ReplyView entry, std::string_view epoch);
/// Where an entry stands, or, if it is somebody else's, behind which place; 0: that is not seen.
sse::Position place_of(ReplyView entry);

/// What the script is given of it.
void add_draft(const sse::Draft& draft, Words& words);

}  // namespace sluice::redis
