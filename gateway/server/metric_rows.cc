#include "gateway/server/metric_rows.h"

namespace sluice::server {
namespace {

/// Of all that fetch keys.
template <class Figure>
double sum_of_jwks(const Shared& shared, Figure figure) {
  double total = 0;
  for (const Jwks* jwks : shared.jwks) total += static_cast<double>((jwks->*figure)());
  return total;
}

template <class T>
double number(const T& counter) {
  return static_cast<double>(counter.value());
}

/// Of a worker's routes.
template <class Figure>
double of_relay(const Worker& worker, Figure figure) {
  return worker.relay() == nullptr ? 0.0 : static_cast<double>((worker.relay()->*figure)());
}

constexpr auto kCounter = MetricKind::counter;
constexpr auto kGauge = MetricKind::gauge;

// clang-format off
const WorkerRow kWorkerRows[] = {
  {"sluice_streams", "", kGauge, "Event streams that are open now, of the hub and of routes.",
   [](const Worker& w) { return number(w.counters().site.event_streams) + of_relay(w, &relay::Relay::event_streams); }},
  {"sluice_gathered_turns_total", "", kCounter, "Times that a busy worker waited for at most 0.2 ms, so that more events share its writes.",
   [](const Worker& w) { return number(w.counters().site.gathered); }},
  {"sluice_streams_opened_total", "", kCounter, "Event streams opened since the start, of the hub and of routes.",
   [](const Worker& w) { return number(w.counters().hub.subscribed) + number(w.counters().site.relay_streams); }},
  {"sluice_streams_lagging", "", kGauge, "The hub's event streams that read from history now, because they are behind.",
   [](const Worker& w) { return number(w.counters().hub.lagging); }},
  {"sluice_streams_fell_behind_total", "", kCounter, "Times that a live event stream of the hub became a lagging one.",
   [](const Worker& w) { return number(w.counters().hub.fell_behind); }},
  {"sluice_streams_stalled_total", "protocol=h2", kCounter, "Event streams reset alone because their client took nothing for too long.",
   [](const Worker& w) { return number(w.counters().h2.stalled_streams); }},
  {"sluice_streams_parked_total", "", kCounter, "Event streams, of the hub and of routes, answered with a retry line and ended at once: a limit, a drain, a login that ran out. Those whose upstream failed count as sluice_route_failures_total.",
   [](const Worker& w) { return number(w.counters().site.parked); }},
  {"sluice_streams_rejected_total", "", kCounter, "The hub's event streams answered with a 4xx. Of routes: sluice_route_denied_total, sluice_route_limited_total.",
   [](const Worker& w) { return number(w.counters().site.subscribe_rejected); }},
  {"sluice_streams_drained_total", "", kCounter, "Event streams ended by a drain, of the hub and of routes.",
   [](const Worker& w) { return number(w.counters().site.drained); }},
  {"sluice_streams_closed_slow_total", "", kCounter, "The hub's event streams ended because their topic's policy is `close` and they were too slow.",
   [](const Worker& w) { return number(w.counters().hub.closed_slow); }},
  {"sluice_streams_expired_total", "", kCounter, "The hub's event streams ended because their token was no longer good. Of routes: in sluice_route_drained_total.",
   [](const Worker& w) { return number(w.counters().site.expired); }},
  {"sluice_streams_revoked_total", "", kCounter, "Event streams ended by a revocation, of the hub and of routes.",
   [](const Worker& w) { return number(w.counters().site.revoked); }},
  {"sluice_route_limited_total", "", kCounter, "Requests for routes answered 503 or 429 because there were too many event streams, by whoever would not come back by itself.",
   [](const Worker& w) { return number(w.counters().site.relay_limited); }},
  {"sluice_auth_calls_total", "result=asked", kCounter, "Requests for routes with an `auth_url`: the server was asked; an answer in the cache saved that; the answer was no; there was none.",
   [](const Worker& w) { return number(w.counters().site.auth_asked); }},
  {"sluice_auth_calls_total", "result=cached", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.auth_cached); }},
  {"sluice_auth_calls_total", "result=denied", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.auth_denied); }},
  {"sluice_auth_calls_total", "result=failed", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.auth_failed); }},
  {"sluice_channels", "", kGauge, "Distinct interests of the hub's event streams.",
   [](const Worker& w) { return number(w.counters().hub.channels); }},
  {"sluice_events_total", "", kCounter, "Events taken from the journal, by every worker.",
   [](const Worker& w) { return number(w.counters().hub.events); }},
  {"sluice_deliveries_total", "", kCounter, "Events handed to the hub's event streams, one per stream. What routes pass on is counted in bytes: sluice_route_sent_bytes_total.",
   [](const Worker& w) { return number(w.counters().hub.deliveries); }},
  {"sluice_events_conflated_total", "", kCounter, "Events left out for one reader because a newer one stood for them.",
   [](const Worker& w) { return number(w.counters().hub.conflated); }},
  {"sluice_events_dropped_total", "", kCounter, "Events that one slow reader lost by the policy `drop`.",
   [](const Worker& w) { return number(w.counters().hub.dropped); }},
  {"sluice_history_pages_total", "", kCounter, "Pages asked of the journal, for readers farther back than memory reaches.",
   [](const Worker& w) { return number(w.counters().hub.pages); }},
  {"sluice_history_page_events_total", "", kCounter, "Events that came with them.",
   [](const Worker& w) { return number(w.counters().hub.page_events); }},
  {"sluice_history_page_errors_total", "", kCounter, "Pages that could not be read; their readers were told to come back.",
   [](const Worker& w) { return number(w.counters().hub.page_errors); }},
  {"sluice_history_readers_waiting", "", kGauge, "Event streams that wait for a page.",
   [](const Worker& w) { return number(w.counters().hub.fetching); }},
  {"sluice_gaps_total", "", kCounter, "Gap events: a reader of the hub was told that it may have missed something. Of routes: sluice_route_gaps_total.",
   [](const Worker& w) { return number(w.counters().hub.gaps); }},
  {"sluice_heartbeats_total", "", kCounter, "Heartbeats sent on silent event streams, of the hub and of routes.",
   [](const Worker& w) { return number(w.counters().site.heartbeats) + of_relay(w, &relay::Relay::heartbeats); }},
  {"sluice_history_events", "", kGauge, "Events that a reader can come back to, in every worker's window.",
   [](const Worker& w) { return number(w.counters().hub.window_events); }},
  {"sluice_history_bytes", "", kGauge, "Memory of these events; workers share it.",
   [](const Worker& w) { return number(w.counters().hub.window_bytes); }},
  {"sluice_publishes_total", "result=accepted", kCounter, "Publish requests, by how they ended.",
   [](const Worker& w) { return number(w.counters().site.published); }},
  {"sluice_publishes_total", "result=rejected", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.publish_rejected); }},
  {"sluice_publishes_total", "result=busy", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.publish_busy); }},
  {"sluice_publishes_total", "result=limited", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.publish_limited); }},
  {"sluice_published_events_total", "form=single", kCounter, "Events published, by the form of the request: alone, in a batch, in a stream.",
   [](const Worker& w) { return number(w.counters().site.single_events); }},
  {"sluice_published_events_total", "form=batch", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.batch_events); }},
  {"sluice_published_events_total", "form=stream", kCounter, "",
   [](const Worker& w) { return number(w.counters().site.stream_events); }},
  {"sluice_publish_repeats_total", "", kCounter, "Events that were not published again, because an earlier one stands for them.",
   [](const Worker& w) { return number(w.counters().site.publish_repeats); }},
  {"sluice_publish_streams", "", kGauge, "Publishing streams that are open now.",
   [](const Worker& w) { return number(w.counters().site.publish_streams); }},
  {"sluice_publish_streams_waiting", "", kGauge, "Of them, those held up by their rate, the journal or slow deliveries.",
   [](const Worker& w) { return number(w.counters().site.publish_waiting); }},
  {"sluice_published_bytes_total", "", kCounter, "Data of the accepted events.",
   [](const Worker& w) { return number(w.counters().site.publish_bytes); }},
  {"sluice_backlog_events", "", kGauge, "Events and tasks in the workers' mailboxes.",
   [](const Worker& w) { return static_cast<double>(w.backlog()); }},
  {"sluice_connections", "", kGauge, "Connections that are open now.",
   [](const Worker& w) { return number(w.connection_counters().open); }},
  {"sluice_connections_total", "", kCounter, "Connections accepted since the start.",
   [](const Worker& w) { return number(w.connection_counters().accepted); }},
  {"sluice_tls_handshakes_total", "result=full", kCounter, "TLS handshakes, by how they ended.",
   [](const Worker& w) { return number(w.connection_counters().handshakes) - number(w.connection_counters().resumptions); }},
  {"sluice_tls_handshakes_total", "result=resumed", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().resumptions); }},
  {"sluice_tls_handshakes_total", "result=failed", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().handshake_failures); }},
  {"sluice_tls_handshakes_put_off_total", "", kCounter, "Times that a TLS handshake waited for another turn because others had taken this one's share.",
   [](const Worker& w) { return number(w.connection_counters().handshakes_put_off); }},
  {"sluice_received_bytes_total", "", kCounter, "Bytes read from clients, after decryption.",
   [](const Worker& w) { return number(w.connection_counters().bytes_in); }},
  {"sluice_sent_bytes_total", "", kCounter, "Bytes written to clients, before encryption.",
   [](const Worker& w) { return number(w.connection_counters().bytes_out); }},
  {"sluice_body_bytes_total", "protocol=h2", kCounter, "Bytes of response bodies sent.",
   [](const Worker& w) { return number(w.counters().h2.data_bytes); }},
  {"sluice_paced_total", "", kCounter, "Times that a connection's relayed events waited for more (limits.gather), as the worker was busy.",
   [](const Worker& w) { return number(w.connection_counters().paced); }},
  {"sluice_flushes_total", "", kCounter, "Times that a connection was written.",
   [](const Worker& w) { return number(w.connection_counters().flushes); }},
  {"sluice_writes_blocked_total", "", kCounter, "Times that a connection's socket was full.",
   [](const Worker& w) { return number(w.connection_counters().write_blocked); }},
  {"sluice_requests_total", "protocol=h2", kCounter, "Requests that reached a handler.",
   [](const Worker& w) { return number(w.counters().h2.requests); }},
  {"sluice_requests_total", "protocol=http/1.1", kCounter, "",
   [](const Worker& w) { return number(w.counters().h1.requests); }},
  {"sluice_requests_refused_total", "protocol=h2", kCounter, "Requests refused before a handler saw them: malformed, or too large a head.",
   [](const Worker& w) { return number(w.counters().h2.refused_heads); }},
  {"sluice_data_frames_total", "", kCounter, "HTTP/2 DATA frames sent.",
   [](const Worker& w) { return number(w.counters().h2.data_frames); }},
  {"sluice_resets_total", "by=peer", kCounter, "HTTP/2 streams reset: by clients, or by us because of a client's error.",
   [](const Worker& w) { return number(w.counters().h2.peer_resets); }},
  {"sluice_resets_total", "by=provoked", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.provoked_resets); }},
  {"sluice_connections_closed_total", "reason=abuse", kCounter, "Connections ended by the gateway, by reason.",
   [](const Worker& w) { return number(w.counters().h2.calm_closes); }},
  {"sluice_connections_closed_total", "reason=protocol_error", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.error_closes); }},
  {"sluice_connections_closed_total", "reason=handshake_timeout", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().handshake_timeouts); }},
  {"sluice_connections_closed_total", "reason=first_bytes_timeout", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().first_bytes_timeouts); }},
  {"sluice_connections_closed_total", "reason=proxy_header", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().proxy_refusals); }},
  {"sluice_connections_closed_total", "reason=write_timeout", kCounter, "",
   [](const Worker& w) { return number(w.connection_counters().write_timeouts); }},
  {"sluice_connections_closed_total", "reason=settings_timeout", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.settings_timeouts); }},
  {"sluice_connections_closed_total", "reason=headers_timeout", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.headers_timeouts); }},
  {"sluice_connections_closed_total", "reason=idle", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.idle_timeouts); }},
  {"sluice_connections_closed_total", "reason=ping_timeout", kCounter, "",
   [](const Worker& w) { return number(w.counters().h2.ping_timeouts); }},
  {"sluice_pings_total", "", kCounter, "PINGs sent to silent clients.",
   [](const Worker& w) { return number(w.counters().h2.pings); }},
};

const ProcessRow kProcessRows[] = {
  {"sluice_token_lookups_total", "result=hit", kCounter, "Tokens shown, to the hub and to routes, by whether they had been verified before (hub.token_cache).",
   [](const Shared& s) { return static_cast<double>(s.publishers.cache().hits() + s.subscribers.cache().hits() + (s.routes ? s.routes->lookups().hits : 0)); }},
  {"sluice_token_lookups_total", "result=miss", kCounter, "",
   [](const Shared& s) { return static_cast<double>(s.publishers.cache().misses() + s.subscribers.cache().misses() + (s.routes ? s.routes->lookups().misses : 0)); }},
  {"sluice_presence_untold_total", "", kCounter, "Comings and goings of subscribers that were not published: more than hub.presence_per_second, or the journal had no room.",
   [](const Shared& s) { return s.presence ? static_cast<double>(s.presence->untold()) : 0.0; }},
  {"sluice_jwks_fetches_total", "", kCounter, "Times that keys were fetched from a `jwks_url`.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::fetches); }},
  {"sluice_jwks_failures_total", "", kCounter, "Fetches without a set of keys that can be used; the old keys stay.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::failures); }},
  {"sluice_jwks_keys", "", kGauge, "Keys that are held of all `jwks_url`.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::keys); }},
  {"sluice_journal_events", "", kGauge, "Events that the file journal holds.",
   [](const Shared& s) { return number(s.journal_counters->writer.events); }},
  {"sluice_journal_bytes", "", kGauge, "Their size in the file, about, as history.max_bytes counts it.",
   [](const Shared& s) { return number(s.journal_counters->writer.bytes); }},
  {"sluice_journal_file_bytes", "", kGauge, "Size of the file; room that became free in it is used again.",
   [](const Shared& s) { return number(s.journal_counters->writer.file_bytes); }},
  {"sluice_journal_appended_total", "", kCounter, "Events stored.",
   [](const Shared& s) { return number(s.journal_counters->writer.appended); }},
  {"sluice_journal_repeats_total", "", kCounter, "Events not stored because they had been published before.",
   [](const Shared& s) { return number(s.journal_counters->writer.repeats); }},
  {"sluice_journal_removed_total", "", kCounter, "Events removed: too many, too large or too old.",
   [](const Shared& s) { return number(s.journal_counters->writer.removed); }},
  {"sluice_journal_groups_total", "", kCounter, "Transactions, each of which stored what waited.",
   [](const Shared& s) { return number(s.journal_counters->writer.groups); }},
  {"sluice_journal_refused_total", "", kCounter, "Publish requests whose events could not be stored.",
   [](const Shared& s) { return number(s.journal_counters->writer.refused); }},
  {"sluice_journal_syncs_total", "", kCounter, "Times that the disk was told to keep what was written.",
   [](const Shared& s) { return number(s.journal_counters->writer.syncs); }},
  {"sluice_journal_pages_total", "", kCounter, "Pages read for readers that come back from far.",
   [](const Shared& s) { return number(s.journal_counters->reader.pages); }},
  {"sluice_journal_events_read_total", "", kCounter, "Events in these pages.",
   [](const Shared& s) { return number(s.journal_counters->reader.events); }},
  {"sluice_journal_cache_hits_total", "", kCounter, "Events that were in memory when they were looked at.",
   [](const Shared& s) { return number(s.journal_counters->reader.cache_hits); }},
  {"sluice_journal_cache_misses_total", "", kCounter, "Events that were read from the file.",
   [](const Shared& s) { return number(s.journal_counters->reader.cache_misses); }},
  {"sluice_journal_damaged_total", "", kCounter, "Events that could not be read: the disk gave something else than was written.",
   [](const Shared& s) { return number(s.journal_counters->reader.damaged); }},
};

const RouteRow kRouteRows[] = {
  {"sluice_route_requests_total", "", kCounter, "Requests that a route took, those included that got no further: for want of a token, or of room.",
   [](const relay::RouteCounters& c) { return number(c.requests); }},
  {"sluice_route_denied_total", "", kCounter, "Of them those answered 400, 401 or 403 because of their token.",
   [](const relay::RouteCounters& c) { return number(c.denied); }},
  {"sluice_route_open", "", kGauge, "Requests that went on, and whose answers are not over.",
   [](const relay::RouteCounters& c) { return number(c.open); }},
  {"sluice_route_event_streams", "", kGauge, "Of them those answered with an event stream.",
   [](const relay::RouteCounters& c) { return number(c.event_streams); }},
  {"sluice_route_received_bytes_total", "", kCounter, "Bytes of answers' bodies, from the upstream.",
   [](const relay::RouteCounters& c) { return number(c.bytes_in); }},
  {"sluice_route_sent_bytes_total", "", kCounter, "Bytes of answers' bodies, to clients.",
   [](const relay::RouteCounters& c) { return number(c.bytes_out); }},
  {"sluice_route_request_body_bytes_total", "", kCounter, "Bytes of requests' bodies.",
   [](const relay::RouteCounters& c) { return number(c.body_bytes); }},
  {"sluice_route_heartbeats_total", "", kCounter, "Heartbeats put into silent streams.",
   [](const relay::RouteCounters& c) { return number(c.heartbeats); }},
  {"sluice_route_early_answers_total", "", kCounter, "Answers begun before the upstream's (early_after).",
   [](const relay::RouteCounters& c) { return number(c.early_answers); }},
  {"sluice_route_error_events_total", "", kCounter, "Streams whose failure was told by an event.",
   [](const relay::RouteCounters& c) { return number(c.error_events); }},
  {"sluice_route_cancelled_total", "", kCounter, "Answers that their clients did not wait for.",
   [](const relay::RouteCounters& c) { return number(c.cancelled); }},
  {"sluice_route_drained_total", "", kCounter, "Event streams ended by a drain, by a revocation, or because their token was no longer good.",
   [](const relay::RouteCounters& c) { return number(c.drained); }},
  {"sluice_route_failures_total", "kind=connect", kCounter, "Upstreams' failures by kind: no connection; too slow; no connection left; broken off; not HTTP.",
   [](const relay::RouteCounters& c) { return number(c.failed_connect); }},
  {"sluice_route_failures_total", "kind=timeout", kCounter, "",
   [](const relay::RouteCounters& c) { return number(c.failed_timeout); }},
  {"sluice_route_failures_total", "kind=busy", kCounter, "",
   [](const relay::RouteCounters& c) { return number(c.failed_busy); }},
  {"sluice_route_failures_total", "kind=closed", kCounter, "",
   [](const relay::RouteCounters& c) { return number(c.failed_closed); }},
  {"sluice_route_failures_total", "kind=malformed", kCounter, "",
   [](const relay::RouteCounters& c) { return number(c.failed_malformed); }},
  {"sluice_route_sources", "", kGauge, "Upstream streams that are shared or replayed.",
   [](const relay::RouteCounters& c) { return number(c.sources); }},
  {"sluice_route_readers", "", kGauge, "Their readers.",
   [](const relay::RouteCounters& c) { return number(c.readers); }},
  {"sluice_route_replay_bytes", "", kGauge, "Bytes held for readers that come back or join late.",
   [](const relay::RouteCounters& c) { return number(c.replay_bytes); }},
  {"sluice_route_joined_total", "", kCounter, "Requests that a stream served which was there already.",
   [](const relay::RouteCounters& c) { return number(c.joined); }},
  {"sluice_route_resumed_total", "", kCounter, "Of them those that came back to their place.",
   [](const relay::RouteCounters& c) { return number(c.resumed); }},
  {"sluice_route_gaps_total", "", kCounter, "Gap events: a reader was told that it may have missed something.",
   [](const relay::RouteCounters& c) { return number(c.gaps); }},
  {"sluice_route_reconnects_total", "", kCounter, "Times that a shared or replayed stream asked its upstream again, unseen by its readers.",
   [](const relay::RouteCounters& c) { return number(c.reconnects); }},
};

const UpstreamRow kUpstreamRows[] = {
  {"sluice_upstream_connections", "", kGauge, "Open connections to an upstream.",
   [](const relay::UpstreamCounters& c) { return number(c.connections); }},
  {"sluice_upstream_calls", "", kGauge, "Requests that were sent and are not over.",
   [](const relay::UpstreamCounters& c) { return number(c.calls); }},
  {"sluice_upstream_waiting", "", kGauge, "Requests that wait for a connection.",
   [](const relay::UpstreamCounters& c) { return number(c.waiting); }},
  {"sluice_upstream_repeats_total", "", kCounter, "Requests sent once more, because nobody had acted on them.",
   [](const relay::UpstreamCounters& c) { return number(c.repeats); }},
  {"sluice_upstream_connects_total", "", kCounter, "Connections made.",
   [](const relay::UpstreamCounters& c) { return number(c.connects); }},
  {"sluice_upstream_connect_failures_total", "", kCounter, "Connections that could not be made.",
   [](const relay::UpstreamCounters& c) { return number(c.connect_failures); }},
  {"sluice_upstream_resolve_failures_total", "", kCounter, "Names whose addresses could not be found.",
   [](const relay::UpstreamCounters& c) { return number(c.resolve_failures); }},
};
// clang-format on

}  // namespace

std::span<const WorkerRow> worker_rows() {
  return kWorkerRows;
}

std::span<const ProcessRow> process_rows() {
  return kProcessRows;
}

std::span<const RouteRow> route_rows_of_metrics() {
  return kRouteRows;
}

std::span<const UpstreamRow> upstream_rows_of_metrics() {
  return kUpstreamRows;
}

}  // namespace sluice::server
