/// Options and Counters of the HTTP/1.1 layer, of its server side and of its client side.
#pragma once

#include <chrono>
#include <cstddef>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/base/retirement.h"
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
  RetirementOptions retirement{};  ///< Of connections that are old: their one stream ends at once.
  /// With something to send that nobody fetches.
  Duration stalled_stream = std::chrono::seconds(60);
};

struct Counters {
  Counter requests;       ///< Given to the service.
  Counter refused;        ///< Answered here with 4xx or 5xx, for their form.
  Counter timeouts;       ///< Ended by one of the time limits, idle connections aside.
  Counter aborted;        ///< Exchanges ended before their answer was.
  Counter retired;        ///< Connections that were too old.
  Counter event_streams;  ///< Answers of Kind::event_stream begun.
  Gauge open_sessions;
  Gauge open_exchanges;
};

struct ClientOptions {
  std::size_t header_bytes = 32_KiB;  ///< Status line and fields of an answer.
  std::size_t header_fields = 100;    ///< Of an answer.
  std::size_t unpaid_bytes = 64_KiB;  ///< Of an answer's body, before reading stops.
  int informational = 10;             ///< Heads of 1xx that may come before an answer.
  /// Without a call. Shorter than servers wait (Node.js: 5 s): a request that meets a connection
  /// that its server is just closing is lost, and may not be sent again.
  Duration idle_timeout = std::chrono::seconds(4);
};

struct ClientCounters {
  Counter calls;      ///< Made.
  Counter reused;     ///< … of them on a connection that had served one before.
  Counter failures;   ///< Calls that ended without a complete answer, cancelled ones aside.
  Counter malformed;  ///< … of them for the form of their answer.
  Counter cancelled;
  Counter early;          ///< Answers that were complete before their request was.
  Counter strays;         ///< Connections ended for bytes that no request had asked for.
  Counter idle_timeouts;  ///< Connections ended because nobody used them.
  Gauge open_calls;
};

}  // namespace sluice::h1
