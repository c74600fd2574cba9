/// Metrics: one table of what is measured yields /metrics, /status and the reference page.
///
/// Counting is done by the workers, in plain counters of their own; they are added up when somebody
/// asks. Labels are fixed and few: never a topic, never an address.
/// Thread  any.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "gateway/journal/counters.h"
#include "gateway/server/worker.h"

namespace sluice::server {

using Workers = std::vector<std::unique_ptr<Worker>>;

/// The text form that Prometheus scrapes.
[[nodiscard]] std::string metrics_text(const Workers& workers, const Shared& shared);
/// The same figures as a JSON object: of /status, and of the dashboard.
[[nodiscard]] nlohmann::ordered_json status(const Workers& workers, const Shared& shared);
[[nodiscard]] std::string metrics_json(const Workers& workers, const Shared& shared);
/// Markdown: name, type and meaning of each.
[[nodiscard]] std::string metrics_reference();
/// Figures of the whole process, for the demo page and the limits.
[[nodiscard]] Totals totals(const Workers& workers);

}  // namespace sluice::server
