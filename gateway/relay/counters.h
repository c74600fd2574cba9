/// Counters of one route on one worker. Its worker writes, anybody may read.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::relay {

struct RouteCounters {
  Counter requests;     ///< All that the route took.
  Counter denied;       ///< Of them those refused for their token.
  Gauge open;           ///< Exchanges that are not over.
  Gauge event_streams;  ///< Of them those answered with text/event-stream.
  Counter bytes_in;     ///< Of answers' bodies, from upstream.
  Counter bytes_out;    ///< Of answers' bodies, to clients.
  Counter body_bytes;   ///< Of requests' bodies.
  Counter heartbeats;
  Counter early_answers;  ///< Begun before the upstream's.
  Counter error_events;
  Counter cancelled;  ///< Answers that their clients did not wait for.
  Counter drained;
  // Failures, by kind.
  Counter failed_connect;    ///< Refused, unreachable, no such name, TLS.
  Counter failed_timeout;    ///< Connect, first byte, silence.
  Counter failed_busy;       ///< No room: max_connections, max_waiting, HTTP/2 streams.
  Counter failed_closed;     ///< Broke off.
  Counter failed_malformed;  ///< Not HTTP, or too large.
  Counter failed_answer;     ///< No event stream, to a source that asked again for one.
  Histogram first_byte;      ///< From the request's head to the answer's.
  // Shared and replayed streams.
  Gauge sources;       ///< Upstream streams that are kept.
  Gauge readers;       ///< Of them.
  Gauge replay_bytes;  ///< Held for those who come back or join late.
  Counter joined;      ///< Requests that a stream which was there has served.
  Counter resumed;     ///< Of them those that came back to their place.
  Counter gaps;        ///< Gap events.
  Counter reconnects;  ///< Of sources, unseen by their readers.
};

/// Of one upstream on one worker.
struct UpstreamCounters {
  Gauge connections;  ///< Open ones.
  Gauge calls;        ///< Requests that are not over.
  Gauge waiting;      ///< Requests without a connection yet.
  Counter repeats;    ///< Requests sent once more, which nobody had acted on.
  Counter given_way;  ///< Streams without readers that left their connection to a request.
  Counter connects;
  Counter connect_failures;
  Counter resolve_failures;
};

}  // namespace sluice::relay
