#include "gateway/relay/heartbeat.h"

#include <iterator>

#include <fmt/format.h>

#include "gateway/base/random.h"
#include "gateway/relay/json_text.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {

std::string_view Pulse::begin(const RouteOptions& route) {
  if (route.heartbeat != HeartbeatForm::off) {
    const Millis interval = route.heartbeat_interval;
    interval_ = interval - jitter(Millis(0), interval / 10);
  }
  return sse::kHeartbeat;
}

void append_heartbeat(HeartbeatForm form, std::string_view event, std::string& out) {
  switch (form) {
    case HeartbeatForm::off:
      return;
    case HeartbeatForm::line:
      out += ":\n";
      return;
    case HeartbeatForm::block:
      out += ":\n\n";
      return;
    case HeartbeatForm::event:
      fmt::format_to(std::back_inserter(out), "event: {}\ndata: {{\"type\":{}}}\n\n", event,
                     json_text(event));
      return;
  }
}

}  // namespace sluice::relay
