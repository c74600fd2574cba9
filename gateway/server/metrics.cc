#include "gateway/server/metrics.h"

#include <chrono>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "gateway/server/certificates.h"
#include "gateway/server/metric_rows.h"
#include "gateway/server/relay_metrics.h"

namespace sluice::server {
namespace {

using prometheus::MetricType;

constexpr const char* kDelayName = "sluice_loop_delay_seconds";
constexpr const char* kDelayHelp =
    "Time of one turn of a worker's loop: how long an event may have to wait for the others.";
constexpr const char* kSpreadName = "sluice_worker_connections";
constexpr const char* kSpreadHelp = "Connections that are open now, of each worker.";
constexpr const char* kExpiryName = "sluice_certificate_expiry_timestamp_seconds";
constexpr const char* kExpiryHelp =
    "When a certificate that is in use expires, in seconds since 1970; by its file.";
constexpr const char* kDeliveryName = "sluice_delivery_seconds";
constexpr const char* kDeliveryHelp =
    "From an event's being accepted until a worker has written it to all its readers of the hub "
    "that have room: of the oldest event of each turn.";
constexpr const char* kCommitName = "sluice_journal_commit_seconds";
constexpr const char* kCommitHelp =
    "Time that the file journal waits for the disk with one transaction.";

MetricType type_of(MetricKind kind) {
  return kind == MetricKind::counter ? MetricType::Counter : MetricType::Gauge;
}

double sum(const WorkerRow& row, const Workers& workers) {
  double total = 0;
  for (const auto& worker : workers) total += row.value(*worker);
  return total;
}

std::vector<Sample> samples(const Workers& workers, const Shared& shared) {
  std::vector<Sample> all;
  for (const WorkerRow& row : worker_rows()) {
    all.push_back({row.name, labels_of(row.label), row.kind, row.help, sum(row, workers)});
  }
  for (const ProcessRow& row : process_rows()) {
    all.push_back({row.name, labels_of(row.label), row.kind, row.help, row.value(shared)});
  }
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto open = static_cast<double>(workers[i]->connection_counters().open.value());
    all.push_back(
        {kSpreadName, {{"worker", std::to_string(i)}}, MetricKind::gauge, kSpreadHelp, open});
  }
  std::map<std::string, WallTime> expiries;  // A file may stand in the configuration twice.
  for (const auto& each : shared.certificates->expiries()) expiries[each.file] = each.at;
  for (const auto& [file, at] : expiries) {
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch());
    all.push_back({kExpiryName,
                   {{"certificate", file}},
                   MetricKind::gauge,
                   kExpiryHelp,
                   static_cast<double>(since.count())});
  }
  return all;
}

prometheus::ClientMetric metric(const Sample& sample) {
  prometheus::ClientMetric made;
  for (const auto& [key, value] : sample.labels) made.label.push_back({key, value});
  made.counter.value = sample.value;
  made.gauge.value = sample.value;
  return made;
}

prometheus::ClientMetric histogram(const std::vector<const Histogram*>& parts) {
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
  return made;
}

prometheus::MetricFamily histogram(const char* name, const char* help,
                                   const std::vector<const Histogram*>& parts) {
  return {name, help, MetricType::Histogram, {histogram(parts)}};
}

prometheus::MetricFamily first_byte_family(const Workers& workers, const Shared& shared) {
  prometheus::MetricFamily family{kFirstByteName, kFirstByteHelp, MetricType::Histogram, {}};
  for (const FirstByte& of : first_bytes(workers, shared)) {
    prometheus::ClientMetric made = histogram(of.parts);
    made.label.push_back({"route", of.route});
    family.metric.push_back(std::move(made));
  }
  return family;
}

}  // namespace

std::string metrics_text(const Workers& workers, const Shared& shared) {
  std::vector<prometheus::MetricFamily> families;
  auto all = samples(workers, shared);
  for (Sample& sample : relay_samples(workers, shared)) all.push_back(std::move(sample));
  for (const Sample& sample : all) {
    if (families.empty() || families.back().name != sample.name) {
      families.push_back({sample.name, sample.help, type_of(sample.kind), {}});
    }
    families.back().metric.push_back(metric(sample));
  }
  if (shared.config.relay.has_routes()) families.push_back(first_byte_family(workers, shared));
  families.push_back(
      histogram(kCommitName, kCommitHelp, {&shared.journal_counters->writer.commit}));
  std::vector<const Histogram*> delays;
  std::vector<const Histogram*> deliveries;
  for (const auto& worker : workers) {
    delays.push_back(&worker->loop_delay());
    deliveries.push_back(&worker->delivery());
  }
  families.push_back(histogram(kDeliveryName, kDeliveryHelp, deliveries));
  families.push_back(histogram(kDelayName, kDelayHelp, delays));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

nlohmann::ordered_json status(const Workers& workers, const Shared& shared) {
  nlohmann::ordered_json json;
  json["version"] = SLUICE_VERSION;
  json["workers"] = workers.size();
  for (const Sample& sample : samples(workers, shared)) {
    const auto value = static_cast<std::uint64_t>(sample.value);
    const std::string name = std::string(sample.name).substr(std::string_view("sluice_").size());
    if (sample.labels.empty()) {
      json[name] = value;
    } else {
      json[name][sample.labels.front().second] = value;
    }
  }
  add_relay(json, workers, shared);
  return json;
}

std::string metrics_json(const Workers& workers, const Shared& shared) {
  return status(workers, shared).dump(2) + "\n";
}

template <class Of>
void append_row(std::string& page, const MetricRow<Of>& row, std::string_view whose = "") {
  std::string label(whose);
  if (!whose.empty() && *row.label != '\0') label += ", ";
  label += row.label;
  fmt::format_to(std::back_inserter(page), "| `{}` | {} | {} | {} |\n", row.name,
                 label.empty() ? "" : fmt::format("`{}`", label),
                 row.kind == MetricKind::counter ? "counter" : "gauge", row.help);
}

std::string metrics_reference() {
  std::string page =
      "# Metrics\n\nServed on the admin listener at `/metrics` for Prometheus, and as JSON at "
      "`/status`. Times are in seconds, sizes in bytes.\n\n| name | labels | type | meaning |\n"
      "| --- | --- | --- | --- |\n";
  for (const WorkerRow& row : worker_rows()) append_row(page, row);
  for (const ProcessRow& row : process_rows()) append_row(page, row);
  for (const RouteRow& row : route_rows_of_metrics()) append_row(page, row, "route=NAME");
  fmt::format_to(std::back_inserter(page), "| `{}` | `route=NAME` | histogram | {} |\n",
                 kFirstByteName, kFirstByteHelp);
  for (const UpstreamRow& row : upstream_rows_of_metrics()) append_row(page, row, "upstream=NAME");
  fmt::format_to(std::back_inserter(page), "| `{}` | `worker=N` | gauge | {} |\n", kSpreadName,
                 kSpreadHelp);
  fmt::format_to(std::back_inserter(page), "| `{}` | `certificate=FILE` | gauge | {} |\n",
                 kExpiryName, kExpiryHelp);
  for (const auto& [name, help] : {std::pair(kCommitName, kCommitHelp),
                                   {kDeliveryName, kDeliveryHelp},
                                   {kDelayName, kDelayHelp}}) {
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
    if (worker->relay() != nullptr) totals.streams += worker->relay()->event_streams();
  }
  return totals;
}

}  // namespace sluice::server
