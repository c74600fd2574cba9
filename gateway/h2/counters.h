/// Counters: what happened on the HTTP/2 sessions of one worker.
///
/// Thread  written by the worker only; read by any.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::h2 {

struct Counters {
  Counter sessions;         ///< Sessions begun.
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
  Counter calm_closes;      ///< Connections ended with ENHANCE_YOUR_CALM.
  Counter error_closes;     ///< Connections ended for another error of the peer.
  // Connections (streams for body_timeouts) ended by a time limit.
  Counter settings_timeouts;
  Counter headers_timeouts;
  Counter body_timeouts;
  Counter idle_timeouts;
  Counter ping_timeouts;
};

}  // namespace sluice::h2
