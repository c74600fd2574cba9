/// append_heartbeat: what a silent stream gets, in the route's form. Between two events only.
///
/// Thread  any; pure function.
#pragma once

#include <string>
#include <string_view>

#include "gateway/relay/options.h"

namespace sluice::relay {

/// `event`: its type, for HeartbeatForm::event.
void append_heartbeat(HeartbeatForm form, std::string_view event, std::string& out);

}  // namespace sluice::relay
