/// The table of all figures: name, label, kind, help, and where the value is. To add one: a counter
/// in a layer's Counters, and a row in metric_rows.cc.
///
/// Thread  the values may be read from any.
#pragma once

#include <span>

#include "gateway/relay/counters.h"
#include "gateway/server/worker.h"

namespace sluice::server {

enum class MetricKind { counter, gauge };

/// One figure of one `Of`: of a worker (they are added up), or of the whole process.
template <class Of>
struct MetricRow {
  const char* name;
  const char* label;  ///< "key=value", or empty. Rows of one name stand together.
  MetricKind kind;
  const char* help;  ///< Of the first row of that name.
  double (*value)(const Of&);
};
using WorkerRow = MetricRow<Worker>;
using ProcessRow = MetricRow<Shared>;
/// Of one route, or one upstream, on one worker. Beside `label` each has its name as one.
using RouteRow = MetricRow<relay::RouteCounters>;
using UpstreamRow = MetricRow<relay::UpstreamCounters>;

std::span<const WorkerRow> worker_rows();
std::span<const ProcessRow> process_rows();
std::span<const RouteRow> route_rows_of_metrics();
std::span<const UpstreamRow> upstream_rows_of_metrics();

}  // namespace sluice::server
