#include "gateway/http/account.h"

#include "gateway/base/assert.h"

namespace sluice::http {

EndingText text_of(Ending ending) {
  switch (ending) {
    case Ending::none:
      return {"open", "server"};
    case Ending::complete:
      return {"complete", "server"};
    case Ending::aborted:
      return {"error", "server"};
    case Ending::client_left:
      return {"client_left", "client"};
    case Ending::stalled:
      return {"stalled", "server"};
    case Ending::unresponsive:
      return {"unresponsive", "server"};
    case Ending::timeout:
      return {"request_timeout", "server"};
    case Ending::protocol_error:
      return {"protocol_error", "server"};
    case Ending::write_timeout:
      return {"write_timeout", "server"};
    case Ending::closed:
      return {"connection_cut", "server"};
    case Ending::drained:
      return {"drain", "server"};
    case Ending::expired:
      return {"token_expired", "server"};
    case Ending::revoked:
      return {"token_revoked", "server"};
    case Ending::stream_age:
      return {"stream_age", "server"};
    case Ending::connection_age:
      return {"connection_age", "server"};
    case Ending::slow:
      return {"slow", "server"};
    case Ending::unreadable:
      return {"history_error", "server"};
    case Ending::parked:
      return {"parked", "server"};
    case Ending::shed:
      return {"memory", "server"};
    case Ending::killed:
      return {"operator", "server"};
    case Ending::cut_off:
      return {"history_away", "server"};
    case Ending::superseded:
      return {"superseded", "client"};
    case Ending::upstream_end:
      return {"complete", "upstream"};
    case Ending::upstream_failed:
      return {"upstream_error", "upstream"};
  }
  SLUICE_ASSERT(false, "an ending without a name");
  return {};
}

Ending ending_of(Hangup hangup) {
  switch (hangup) {
    case Hangup::write_timeout:
      return Ending::write_timeout;
    case Hangup::cut:
      return Ending::closed;
    case Hangup::ordered:
      return Ending::killed;
    case Hangup::none:
    case Hangup::peer:
      break;
  }
  return Ending::client_left;
}

}  // namespace sluice::http
