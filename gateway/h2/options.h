/// Options: what an HTTP/2 session allows its peer, and for how long it waits.
///
/// Thread  constant after start; a session keeps a reference, so they outlive every session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "gateway/base/clock.h"
#include "gateway/base/retirement.h"
#include "gateway/base/units.h"

namespace sluice::h2 {

/// A token bucket: `burst` at once, `rate` per second from then on.
struct Rate {
  std::uint32_t burst = 0;
  std::uint32_t per_second = 0;
};

struct Options {
  // What is advertised.
  std::uint32_t max_concurrent_streams = 256;  ///< Chromium never opens more than 256.
  std::size_t stream_window = 64_KiB;          ///< Of a request body that nobody has consumed yet.
  std::size_t connection_window = 1_MiB;       ///< Of all request bodies of a connection together.
  std::size_t header_list_bytes = 32_KiB;      ///< Name + value + 32 for each field; beyond it 431.
  std::size_t header_fields = 100;             ///< Beyond it 431.

  // What is sent.
  std::size_t data_frame_cap = 4_KiB;  ///< Bounds how long a quiet stream waits for a busy one.

  // Waiting. Nothing is timed where bytes move: check() stamps what it finds, so a limit strikes
  // late by up to one interval between two checks, which is at most the shortest of these.
  Duration settings_timeout = std::chrono::seconds(10);      ///< Preface and SETTINGS not seen.
  Duration settings_ack_timeout = std::chrono::seconds(10);  ///< Our SETTINGS not acknowledged.
  Duration headers_timeout = std::chrono::seconds(10);       ///< A header block that does not end.
  /// A request body that makes no progress though there is window for it, and that the service has
  /// not begun to answer: 408. One that goes on after its answer is reset instead. (A publisher
  /// whose long request is being answered may be silent.)
  Duration body_timeout = std::chrono::seconds(30);
  /// A stream that has data to send, none of which can be sent: it alone is reset.
  Duration stalled_stream = std::chrono::seconds(60);
  Duration first_request_timeout = std::chrono::seconds(60);  ///< Chromium opens spare connections.
  Duration idle_timeout = std::chrono::seconds(180);          ///< No streams: GOAWAY, then the end.
  RetirementOptions retirement{};                             ///< Of connections that are old.
  Duration ping_after = std::chrono::seconds(30);    ///< Nothing was read for so long: PING.
  Duration ping_timeout = std::chrono::seconds(10);  ///< Nothing was read since the PING left.

  // Abuse. Beyond each: GOAWAY ENHANCE_YOUR_CALM.
  Rate provoked_resets{100,
                       10};  ///< Errors of the peer that make us reset a stream (MadeYouReset).
  /// RST_STREAM of the peer (rapid reset). More than max_concurrent_streams: a browser that closes
  /// a page resets all of its streams at once.
  Rate peer_resets{512, 20};
  Rate control_frames{200, 100};  ///< PING, SETTINGS, GOAWAY, DATA without bytes.
  /// WINDOW_UPDATE, PRIORITY, PRIORITY_UPDATE, unknown ones; four more for each DATA frame sent.
  Rate light_frames{20'000, 10'000};
  std::size_t max_settings = 16;       ///< Entries of one SETTINGS frame.
  std::size_t max_outbound_ack = 64;   ///< Acknowledgements that wait to be sent.
  std::size_t max_continuations = 8;   ///< CONTINUATION frames of one header block.
  std::size_t outbound_high = 1'000;   ///< Control frames that wait: the socket is not read.
  std::size_t outbound_limit = 5'000;  ///< Control frames that wait: the connection is closed.
};

}  // namespace sluice::h2
