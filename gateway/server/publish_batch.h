/// A batch: several events in one JSON body, published all or none.
///
///   [{"topic": "a", "data": "text"}, {"topic": ["a", "b"], "data": {"any": "JSON"}, "private":
///   true}]
///
/// Data that is not a string is published as its JSON text without the blanks; numbers keep their
/// digits and members their order, because the text is cut out and not built anew.
/// Thread  any; pure functions.
/// Errors  Errc::invalid or Errc::limit; the message names the event, the first one being 1.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "gateway/server/publish_fields.h"

namespace sluice::server {

/// An array of 1 to `max` objects, or one object alone.
Result<std::vector<sse::Draft>> read_batch(std::string_view body, const Rules& rules,
                                           std::size_t max);

}  // namespace sluice::server
