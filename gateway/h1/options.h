/// Options and Counters of the HTTP/1.1 layer.
#pragma once

#include <chrono>
#include <cstddef>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/base/units.h"

namespace sluice::h1 {

struct Options {
  std::size_t header_bytes =
      32_KiB;                       ///< Request line and fields. More is answered with 431 or 414.
  std::size_t header_fields = 100;  ///< More are answered with 431.
  std::size_t pipelined_bytes = 16_KiB;   ///< Kept behind an open request before reading stops.
  std::size_t unconsumed_bytes = 64_KiB;  ///< Of a body, before reading stops.
  std::size_t discard_bytes = 256_KiB;  ///< Of a body that goes on after its answer: then we close.

  Duration head_timeout = std::chrono::seconds(10);  ///< From the first byte of a request: 408.
  /// Without a byte of the body, until the answer begins: 408. A body that goes on beside its
  /// answer (a stream of events that is published) may be silent for as long as the answer allows.
  Duration body_timeout = std::chrono::seconds(30);
  /// Without a request. Load balancers keep connections for 60 s and reuse them until then: it must
  /// be longer than theirs, or some requests meet a connection that is just being closed.
  Duration idle_timeout = std::chrono::seconds(75);
  /// With something to send that nobody fetches.
  Duration stalled_stream = std::chrono::seconds(60);
};

struct Counters {
  Counter requests;       ///< Given to the service.
  Counter refused;        ///< Answered here with 4xx or 5xx, for their form.
  Counter timeouts;       ///< Ended by one of the time limits, idle connections aside.
  Counter aborted;        ///< Exchanges ended before their answer was.
  Counter event_streams;  ///< Answers of Kind::event_stream begun.
  Gauge open_exchanges;
};

}  // namespace sluice::h1
