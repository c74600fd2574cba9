/// Counters: what happened on the HTTP/2 sessions of one worker.
///
/// Thread  written by the worker only; read by any.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::h2 {

struct Counters {
  Counter sessions;         ///< Sessions begun.
  Gauge open_sessions;      ///< Of them those that are not over.
  Counter streams;          ///< Streams that clients opened.
  Counter requests;         ///< Requests that reached the service.
  Counter refused_heads;    ///< Answered by the session itself: 400, 431, 501.
  Counter data_frames;      ///< DATA frames sent.
  Counter data_bytes;       ///< Bytes of body sent.
  Counter peer_resets;      ///< RST_STREAM from clients.
  Counter provoked_resets;  ///< RST_STREAM that clients' errors made us send.
  Counter stalled_streams;  ///< Event streams reset because their window stayed shut.
  Counter pings;            ///< PINGs sent to silent peers.
  Counter goaways;          ///< GOAWAY frames sent, of any kind.
  Counter retired;          ///< Connections that were too old.
  Counter calm_closes;      ///< Connections ended with ENHANCE_YOUR_CALM.
  Counter error_closes;     ///< Connections ended for another error of the peer.
  // Connections (streams for body_timeouts) ended by a time limit.
  Counter settings_timeouts;
  Counter headers_timeouts;
  Counter body_timeouts;
  Counter idle_timeouts;
  Counter ping_timeouts;
};

/// The same for client sessions: what happened on the connections to other servers.
struct ClientCounters {
  Counter sessions;           ///< Sessions begun.
  Counter calls;              ///< Requests made.
  Counter answers;            ///< Final heads that callers were given.
  Counter data_bytes;         ///< Bytes of body received, wanted or not.
  Counter server_resets;      ///< RST_STREAM from servers.
  Counter server_goaways;     ///< GOAWAY from servers.
  Counter refused_calls;      ///< Calls that a server did not look at.
  Counter malformed_answers;  ///< Calls that failed for what their answer was, too large included.
  Counter pings;              ///< PINGs sent to silent servers.
  Counter calm_closes;        ///< Connections ended with ENHANCE_YOUR_CALM.
  Counter error_closes;       ///< Connections ended for another error of the server.
  // Connections ended by a time limit.
  Counter settings_timeouts;
  Counter ping_timeouts;
  Counter idle_timeouts;
};

}  // namespace sluice::h2
