#include "gateway/server/metrics.h"

#include <functional>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace sluice::server {
namespace {

using prometheus::MetricType;

/// One figure of one `Of`: of a worker, or of the whole process.
template <class Of>
struct RowOf {
  const char* name;
  const char* label;  ///< "key=value", or empty. Rows of one name stand together.
  MetricType type;
  const char* help;
  double (*value)(const Of&);
};
using Row = RowOf<Worker>;
using ProcessRow = RowOf<Shared>;

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

constexpr auto kCounter = MetricType::Counter;
constexpr auto kGauge = MetricType::Gauge;

// clang-format off
const Row kRows[] = {
  {"sluice_streams", "", kGauge, "Event streams that are open now.",
   [](const Worker& w) { return number(w.counters().site.event_streams); }},
  {"sluice_streams_opened_total", "", kCounter, "Event streams opened since the start.",
   [](const Worker& w) { return number(w.counters().hub.subscribed); }},
  {"sluice_streams_lagging", "", kGauge, "Event streams that read from history now, because they are behind.",
   [](const Worker& w) { return number(w.counters().hub.lagging); }},
  {"sluice_streams_fell_behind_total", "", kCounter, "Times that a live event stream became a lagging one.",
   [](const Worker& w) { return number(w.counters().hub.fell_behind); }},
  {"sluice_streams_stalled_total", "protocol=h2", kCounter, "Event streams reset alone because their client took nothing for too long.",
   [](const Worker& w) { return number(w.counters().h2.stalled_streams); }},
  {"sluice_streams_parked_total", "", kCounter, "Event streams answered with a retry line and ended at once: a limit or a drain.",
   [](const Worker& w) { return number(w.counters().site.parked); }},
  {"sluice_streams_rejected_total", "", kCounter, "Event streams answered with a 4xx.",
   [](const Worker& w) { return number(w.counters().site.subscribe_rejected); }},
  {"sluice_streams_drained_total", "", kCounter, "Event streams ended by a drain.",
   [](const Worker& w) { return number(w.counters().site.drained); }},
  {"sluice_streams_closed_slow_total", "", kCounter, "Event streams ended because their topic's policy is `close` and they were too slow.",
   [](const Worker& w) { return number(w.counters().hub.closed_slow); }},
  {"sluice_streams_expired_total", "", kCounter, "Event streams ended because their token was no longer good.",
   [](const Worker& w) { return number(w.counters().site.expired); }},
  {"sluice_streams_revoked_total", "", kCounter, "Event streams ended by a revocation.",
   [](const Worker& w) { return number(w.counters().site.revoked); }},
  {"sluice_channels", "", kGauge, "Distinct interests of all event streams.",
   [](const Worker& w) { return number(w.counters().hub.channels); }},
  {"sluice_events_total", "", kCounter, "Events taken from the journal, by every worker.",
   [](const Worker& w) { return number(w.counters().hub.events); }},
  {"sluice_deliveries_total", "", kCounter, "Events handed to event streams, one per stream.",
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
  {"sluice_gaps_total", "", kCounter, "Gap events: a reader was told that it may have missed something.",
   [](const Worker& w) { return number(w.counters().hub.gaps); }},
  {"sluice_heartbeats_total", "", kCounter, "Comment lines sent on silent event streams.",
   [](const Worker& w) { return number(w.counters().site.heartbeats); }},
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
  {"sluice_received_bytes_total", "", kCounter, "Bytes read from clients, after decryption.",
   [](const Worker& w) { return number(w.connection_counters().bytes_in); }},
  {"sluice_sent_bytes_total", "", kCounter, "Bytes written to clients, before encryption.",
   [](const Worker& w) { return number(w.connection_counters().bytes_out); }},
  {"sluice_body_bytes_total", "protocol=h2", kCounter, "Bytes of response bodies sent.",
   [](const Worker& w) { return number(w.counters().h2.data_bytes); }},
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
  {"sluice_token_lookups_total", "result=hit", kCounter, "Tokens shown, by whether they had been verified before (hub.token_cache).",
   [](const Shared& s) { return static_cast<double>(s.publishers.cache().hits() + s.subscribers.cache().hits()); }},
  {"sluice_token_lookups_total", "result=miss", kCounter, "",
   [](const Shared& s) { return static_cast<double>(s.publishers.cache().misses() + s.subscribers.cache().misses()); }},
  {"sluice_jwks_fetches_total", "", kCounter, "Times that keys were fetched from a `jwks_url`.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::fetches); }},
  {"sluice_jwks_failures_total", "", kCounter, "Fetches without a set of keys that can be used; the old keys stay.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::failures); }},
  {"sluice_jwks_keys", "", kGauge, "Keys that are held of all `jwks_url`.",
   [](const Shared& s) { return sum_of_jwks(s, &Jwks::keys); }},
};
// clang-format on

constexpr const char* kDelayName = "sluice_loop_delay_seconds";
constexpr const char* kDelayHelp =
    "Time of one turn of a worker's loop: how long an event may have to wait for the others.";

double sum(const Row& row, const Workers& workers) {
  double total = 0;
  for (const auto& worker : workers) total += row.value(*worker);
  return total;
}

/// A figure with its value, whichever table it is of.
struct Sample {
  const char* name;
  const char* label;
  MetricType type;
  const char* help;
  double value;
};

std::vector<Sample> samples(const Workers& workers, const Shared& shared) {
  std::vector<Sample> all;
  for (const Row& row : kRows) {
    all.push_back({row.name, row.label, row.type, row.help, sum(row, workers)});
  }
  for (const ProcessRow& row : kProcessRows) {
    all.push_back({row.name, row.label, row.type, row.help, row.value(shared)});
  }
  return all;
}

prometheus::ClientMetric metric(const Sample& sample) {
  prometheus::ClientMetric made;
  const std::string_view label = sample.label;
  if (!label.empty()) {
    const std::size_t equals = label.find('=');
    made.label.push_back(
        {std::string(label.substr(0, equals)), std::string(label.substr(equals + 1))});
  }
  made.counter.value = sample.value;
  made.gauge.value = sample.value;
  return made;
}

prometheus::MetricFamily loop_delay(const Workers& workers) {
  prometheus::MetricFamily family{kDelayName, kDelayHelp, MetricType::Histogram, {}};
  prometheus::ClientMetric made;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) {
    for (const auto& worker : workers) cumulative += worker->loop_delay().count(i);
    const double bound = i < Histogram::kBounds.size() ? Histogram::kBounds[i]
                                                       : std::numeric_limits<double>::infinity();
    made.histogram.bucket.push_back({cumulative, bound});
  }
  for (const auto& worker : workers) made.histogram.sample_sum += worker->loop_delay().sum();
  made.histogram.sample_count = cumulative;
  family.metric.push_back(std::move(made));
  return family;
}

}  // namespace

std::string metrics_text(const Workers& workers, const Shared& shared) {
  std::vector<prometheus::MetricFamily> families;
  for (const Sample& sample : samples(workers, shared)) {
    if (families.empty() || families.back().name != sample.name) {
      families.push_back({sample.name, sample.help, sample.type, {}});
    }
    families.back().metric.push_back(metric(sample));
  }
  families.push_back(loop_delay(workers));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

std::string metrics_json(const Workers& workers, const Shared& shared) {
  nlohmann::ordered_json json;
  json["version"] = SLUICE_VERSION;
  json["workers"] = workers.size();
  for (const Sample& sample : samples(workers, shared)) {
    const std::string_view label = sample.label;
    const auto value = static_cast<std::uint64_t>(sample.value);
    const std::string name = std::string(sample.name).substr(std::string_view("sluice_").size());
    if (label.empty()) {
      json[name] = value;
    } else {
      json[name][std::string(label.substr(label.find('=') + 1))] = value;
    }
  }
  return json.dump(2) + "\n";
}

template <class Of>
void append_row(std::string& page, const RowOf<Of>& row) {
  const std::string_view label = row.label;
  fmt::format_to(std::back_inserter(page), "| `{}` | {} | {} | {} |\n", row.name,
                 label.empty() ? "" : fmt::format("`{}`", label),
                 row.type == kCounter ? "counter" : "gauge", row.help);
}

std::string metrics_reference() {
  std::string page =
      "# Metrics\n\nServed on the admin listener at `/metrics` for Prometheus, and as JSON at "
      "`/status`. Times are in seconds, sizes in bytes.\n\n| name | labels | type | meaning |\n"
      "| --- | --- | --- | --- |\n";
  for (const Row& row : kRows) append_row(page, row);
  for (const ProcessRow& row : kProcessRows) append_row(page, row);
  fmt::format_to(std::back_inserter(page), "| `{}` |  | histogram | {} |\n", kDelayName,
                 kDelayHelp);
  return page;
}

Totals totals(const Workers& workers) {
  Totals totals;
  for (const auto& worker : workers) {
    totals.connections += static_cast<std::uint64_t>(worker->connection_counters().open.value());
    totals.streams += static_cast<std::uint64_t>(worker->counters().site.event_streams.value());
    totals.deliveries += worker->counters().hub.deliveries.value();
  }
  return totals;
}

}  // namespace sluice::server
