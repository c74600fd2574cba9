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

/// One figure of one worker.
struct Row {
  const char* name;
  const char* label;  ///< "key=value", or empty. Rows of one name stand together.
  MetricType type;
  const char* help;
  double (*value)(const Worker&);
};

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
  {"sluice_channels", "", kGauge, "Distinct interests of all event streams.",
   [](const Worker& w) { return number(w.counters().hub.channels); }},
  {"sluice_events_total", "", kCounter, "Events taken from the journal, by every worker.",
   [](const Worker& w) { return number(w.counters().hub.events); }},
  {"sluice_deliveries_total", "", kCounter, "Events handed to event streams, one per stream.",
   [](const Worker& w) { return number(w.counters().hub.deliveries); }},
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
// clang-format on

/// One figure of the journal; those of the file journal stay 0 with another one.
struct JournalRow {
  const char* name;
  MetricType type;
  const char* help;
  double (*value)(const journal::Counters&);
};

// clang-format off
const JournalRow kJournalRows[] = {
  {"sluice_journal_events", kGauge, "Events that the file journal holds.",
   [](const journal::Counters& c) { return number(c.writer.events); }},
  {"sluice_journal_bytes", kGauge, "Their size in the file, about, as history.max_bytes counts it.",
   [](const journal::Counters& c) { return number(c.writer.bytes); }},
  {"sluice_journal_file_bytes", kGauge, "Size of the file; room that became free in it is used again.",
   [](const journal::Counters& c) { return number(c.writer.file_bytes); }},
  {"sluice_journal_appended_total", kCounter, "Events stored.",
   [](const journal::Counters& c) { return number(c.writer.appended); }},
  {"sluice_journal_repeats_total", kCounter, "Events not stored because they had been published before.",
   [](const journal::Counters& c) { return number(c.writer.repeats); }},
  {"sluice_journal_removed_total", kCounter, "Events removed: too many, too large or too old.",
   [](const journal::Counters& c) { return number(c.writer.removed); }},
  {"sluice_journal_groups_total", kCounter, "Transactions, each of which stored what waited.",
   [](const journal::Counters& c) { return number(c.writer.groups); }},
  {"sluice_journal_refused_total", kCounter, "Publish requests whose events could not be stored.",
   [](const journal::Counters& c) { return number(c.writer.refused); }},
  {"sluice_journal_syncs_total", kCounter, "Times that the disk was told to keep what was written.",
   [](const journal::Counters& c) { return number(c.writer.syncs); }},
  {"sluice_journal_pages_total", kCounter, "Pages read for readers that come back from far.",
   [](const journal::Counters& c) { return number(c.reader.pages); }},
  {"sluice_journal_events_read_total", kCounter, "Events in these pages.",
   [](const journal::Counters& c) { return number(c.reader.events); }},
  {"sluice_journal_cache_hits_total", kCounter, "Events that were in memory when they were looked at.",
   [](const journal::Counters& c) { return number(c.reader.cache_hits); }},
  {"sluice_journal_cache_misses_total", kCounter, "Events that were read from the file.",
   [](const journal::Counters& c) { return number(c.reader.cache_misses); }},
  {"sluice_journal_damaged_total", kCounter, "Events that could not be read: the disk gave something else than was written.",
   [](const journal::Counters& c) { return number(c.reader.damaged); }},
};
// clang-format on

constexpr const char* kCommitName = "sluice_journal_commit_seconds";
constexpr const char* kCommitHelp =
    "Time that the file journal waits for the disk with one transaction.";

constexpr const char* kDelayName = "sluice_loop_delay_seconds";
constexpr const char* kDelayHelp =
    "Time of one turn of a worker's loop: how long an event may have to wait for the others.";

double sum(const Row& row, const Workers& workers) {
  double total = 0;
  for (const auto& worker : workers) total += row.value(*worker);
  return total;
}

prometheus::ClientMetric metric(std::string_view label, double value) {
  prometheus::ClientMetric made;
  if (!label.empty()) {
    const std::size_t equals = label.find('=');
    made.label.push_back(
        {std::string(label.substr(0, equals)), std::string(label.substr(equals + 1))});
  }
  made.counter.value = value;
  made.gauge.value = value;
  return made;
}

/// Several histograms as one.
prometheus::MetricFamily histogram(const char* name, const char* help,
                                   const std::vector<const Histogram*>& parts) {
  prometheus::MetricFamily family{name, help, MetricType::Histogram, {}};
  prometheus::ClientMetric made;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) {
    for (const Histogram* part : parts) cumulative += part->count(i);
    const double bound = i < Histogram::kBounds.size() ? Histogram::kBounds[i]
                                                       : std::numeric_limits<double>::infinity();
    made.histogram.bucket.push_back({cumulative, bound});
  }
  for (const Histogram* part : parts) made.histogram.sample_sum += part->sum();
  made.histogram.sample_count = cumulative;
  family.metric.push_back(std::move(made));
  return family;
}

}  // namespace

std::string metrics_text(const Workers& workers, const journal::Counters& journal) {
  std::vector<prometheus::MetricFamily> families;
  for (const Row& row : kRows) {
    if (families.empty() || families.back().name != row.name) {
      families.push_back({row.name, row.help, row.type, {}});
    }
    families.back().metric.push_back(metric(row.label, sum(row, workers)));
  }
  for (const JournalRow& row : kJournalRows) {
    families.push_back({row.name, row.help, row.type, {}});
    families.back().metric.push_back(metric("", row.value(journal)));
  }
  families.push_back(histogram(kCommitName, kCommitHelp, {&journal.writer.commit}));
  std::vector<const Histogram*> delays;
  for (const auto& worker : workers) delays.push_back(&worker->loop_delay());
  families.push_back(histogram(kDelayName, kDelayHelp, delays));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

std::string metrics_json(const Workers& workers, const journal::Counters& journal) {
  nlohmann::ordered_json json;
  json["version"] = SLUICE_VERSION;
  json["workers"] = workers.size();
  for (const Row& row : kRows) {
    const std::string_view label = row.label;
    const auto value = static_cast<std::uint64_t>(sum(row, workers));
    const std::string name = std::string(row.name).substr(std::string_view("sluice_").size());
    if (label.empty()) {
      json[name] = value;
    } else {
      json[name][std::string(label.substr(label.find('=') + 1))] = value;
    }
  }
  for (const JournalRow& row : kJournalRows) {
    const std::string name = std::string(row.name).substr(std::string_view("sluice_").size());
    json[name] = static_cast<std::uint64_t>(row.value(journal));
  }
  return json.dump(2) + "\n";
}

std::string metrics_reference() {
  std::string page =
      "# Metrics\n\nServed on the admin listener at `/metrics` for Prometheus, and as JSON at "
      "`/status`. Times are in seconds, sizes in bytes.\n\n| name | labels | type | meaning |\n"
      "| --- | --- | --- | --- |\n";
  for (const Row& row : kRows) {
    const std::string_view label = row.label;
    fmt::format_to(std::back_inserter(page), "| `{}` | {} | {} | {} |\n", row.name,
                   label.empty() ? "" : fmt::format("`{}`", label),
                   row.type == kCounter ? "counter" : "gauge", row.help);
  }
  for (const JournalRow& row : kJournalRows) {
    fmt::format_to(std::back_inserter(page), "| `{}` |  | {} | {} |\n", row.name,
                   row.type == kCounter ? "counter" : "gauge", row.help);
  }
  for (const auto& [name, help] : {std::pair(kCommitName, kCommitHelp), {kDelayName, kDelayHelp}}) {
    fmt::format_to(std::back_inserter(page), "| `{}` |  | histogram | {} |\n", name, help);
  }
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
