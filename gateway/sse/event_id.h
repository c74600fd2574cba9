/// Ids that the gateway gives: EPOCH-POSITION, as in "k3f9x2a1-1234".
///
/// The epoch names the journal's incarnation, so that an id of a lost journal is recognised and
/// not misread. The characters need no CORS preflight when a browser sends the id back in
/// `Last-Event-ID` (Fetch, "CORS-safelisted request-header").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/sse/event.h"

namespace sluice::sse {

/// Eight characters of [0-9a-z], at random.
std::string make_epoch();

std::string make_id(std::string_view epoch, Position position);

struct GatewayId {
  std::string_view epoch;  ///< A part of the text that was parsed.
  Position position;
};
/// None when `text` is not of the gateway's form, and so must be a publisher's id.
std::optional<GatewayId> parse_id(std::string_view text);

}  // namespace sluice::sse
