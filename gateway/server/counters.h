/// What one worker's handlers count. Written by the worker, read by any thread.
#pragma once

#include "gateway/base/counters.h"

namespace sluice::server {

struct Counters {
  Counter published;         ///< Publish requests answered 200, streams that ended well.
  Counter publish_bytes;     ///< Their data.
  Counter publish_rejected;  ///< Answered 4xx.
  Counter publish_busy;      ///< Answered 503: a worker is too far behind.
  Counter publish_limited;   ///< Answered 429: more than hub.publishes_per_second.
  Counter publish_repeats;   ///< Events that an earlier one stands for.
  Counter single_events;     ///< Events published by a request of their own.
  Counter batch_events;      ///< Events published by a batch.
  Counter stream_events;     ///< Events published by a stream.
  Counter parked;            ///< Event streams answered with a `retry` and ended.
  // Why event streams were parked, or, of routes, answered 503 or 429; and other refusals.
  Counter refused_draining;
  Counter refused_logins;              ///< A cookie or a token that has run out.
  Counter refused_connection_streams;  ///< limits.streams_per_connection
  Counter refused_streams;             ///< limits.streams
  Counter refused_address_streams;     ///< limits.streams_per_address
  Counter refused_subject_streams;     ///< hub.streams_per_subject
  Counter refused_interests;           ///< hub.channels, hub.patterns
  Counter refused_memory;              ///< limits.memory: streams, and requests answered 503.
  Counter refused_replay;              ///< limits.memory: streams that are far behind.
  Counter refused_history;             ///< Streams whose place in history could not be asked for.
  Counter refused_bodies;              ///< limits.bodies
  Counter shed_readers;                ///< Event streams ended because they read slowest.
  Counter subscribe_rejected;          ///< Event streams answered 4xx.
  Counter heartbeats;
  Counter drained;        ///< Event streams ended by a drain.
  Counter expired;        ///< Event streams ended because their token was no longer good.
  Counter cut_off;        ///< Event streams ended because history was away for long.
  Counter revoked;        ///< Event streams ended by a revocation.
  Counter gathered;       ///< Turns in which a busy worker waited for more events.
  Counter relay_streams;  ///< Event streams of routes, opened.
  Counter relay_limited;  ///< Requests for routes answered 503 or 429: too many event streams.
  Counter auth_asked;     ///< Call-outs made.
  Counter auth_cached;    ///< Those that an answer in the cache has saved.
  Counter auth_denied;    ///< Requests that a call-out did not let in.
  Counter auth_failed;    ///< Requests about which none could say.
  Gauge event_streams;
  Gauge publish_streams;
  Gauge publish_waiting;  ///< Of them: held up by a limit, the journal or the workers.
};

/// What the dashboard's feed counts. Written by the control thread, read by any.
struct LiveCounters {
  Gauge viewers;
  Counter refused;  ///< Viewers sent away: there were enough.
};

}  // namespace sluice::server
