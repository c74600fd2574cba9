/// ClientOptions: what an HTTP/2 client session allows its server, and for how long it waits.
///
/// Thread  constant after start, but for `assumed_streams`, which whoever owns the sessions may
///         change; a session keeps a reference, so they outlive every session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"
#include "gateway/h2/options.h"

namespace sluice::h2 {

struct ClientOptions {
  std::size_t max_streams = 100;  ///< At once; the server's own limit holds beside it.
  /// What a server allows that has not said so yet (RFC 9113 §6.5.2 recommends no less).
  std::size_t assumed_streams = 100;
  std::size_t stream_window = 64_KiB;  ///< Of an answer's body that its caller has not consumed.
  /// Of all bodies together. Given back as soon as bytes arrive, so that a call that is not read
  /// holds up no other; what may be unread in all is bounded by the windows of the streams.
  std::size_t connection_window = 16_MiB;
  // Of an answer; beyond each its call fails.
  std::size_t header_bytes = 32_KiB;  ///< Name + value + 32 for each field.
  std::size_t header_fields = 100;
  std::uint8_t informational_heads = 10;  ///< 1xx before the final one.

  // Waiting. Stamped by check(), so a limit strikes late by up to one interval of `ping_after`.
  Duration settings_timeout = std::chrono::seconds(10);  ///< SETTINGS, and that ours were seen.
  Duration idle_timeout = std::chrono::seconds(60);      ///< No calls: GOAWAY, then the end.
  Duration ping_after = std::chrono::seconds(30);    ///< Calls, and nothing was read for so long.
  Duration ping_timeout = std::chrono::seconds(10);  ///< Nothing was read since the PING left.

  // Abuse. Beyond each: GOAWAY ENHANCE_YOUR_CALM, and all calls fail.
  Rate resets{200, 20};                ///< RST_STREAM of the server; one more for each call.
  Rate control_frames{200, 100};       ///< PING, SETTINGS, GOAWAY, DATA without bytes.
  Rate light_frames{20'000, 10'000};   ///< WINDOW_UPDATE, PRIORITY; four more for each DATA sent.
  std::size_t max_settings = 16;       ///< Entries of one SETTINGS frame.
  std::size_t max_outbound_ack = 64;   ///< Acknowledgements that wait to be sent.
  std::size_t max_continuations = 8;   ///< CONTINUATION frames of one header block.
  std::size_t outbound_high = 1'000;   ///< Control frames that wait: the socket is not read.
  std::size_t outbound_limit = 5'000;  ///< Control frames that wait: the connection is closed.
};

}  // namespace sluice::h2
