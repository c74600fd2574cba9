/// Figures of routes and upstreams, added up over the workers, whatever form they are shown in.
///
/// Thread  any: counters are read, and what workers have put on the UpstreamBoard.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "gateway/server/metric_rows.h"
#include "gateway/server/metrics.h"

namespace sluice::server {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// A figure with its value, whichever table it is of.
struct Sample {
  const char* name;
  Labels labels;
  MetricKind kind;
  const char* help;
  double value;
};

/// A route's first bytes, of each worker.
struct FirstByte {
  std::string route;
  std::vector<const Histogram*> parts;
};

inline constexpr const char* kFirstByteName = "sluice_route_first_byte_seconds";
inline constexpr const char* kFirstByteHelp =
    "Time from a request of a route to the head of its upstream's answer.";

/// "key=value"; empty: none.
[[nodiscard]] Labels labels_of(const char* text);
/// Those of one name stand together.
[[nodiscard]] std::vector<Sample> relay_samples(const Workers& workers, const Shared& shared);
[[nodiscard]] std::vector<FirstByte> first_bytes(const Workers& workers, const Shared& shared);
/// `routes` and `upstreams` of the status page; nothing where there are no routes.
void add_relay(nlohmann::ordered_json& json, const Workers& workers, const Shared& shared);

}  // namespace sluice::server
