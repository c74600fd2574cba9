#include "gateway/server/relay_metrics.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

/// All workers' counters of one route or upstream.
template <class Counters>
using Parts = std::vector<const Counters*>;

Parts<relay::RouteCounters> route_parts(const Workers& workers, std::size_t route) {
  Parts<relay::RouteCounters> parts;
  for (const auto& worker : workers) {
    if (const auto* relay = worker->relay()) parts.push_back(&relay->route_counters(route));
  }
  return parts;
}

Parts<relay::UpstreamCounters> upstream_parts(const Workers& workers, std::size_t upstream) {
  Parts<relay::UpstreamCounters> parts;
  for (const auto& worker : workers) {
    if (const auto* relay = worker->relay()) parts.push_back(&relay->upstream_counters(upstream));
  }
  return parts;
}

template <class Counters>
double sum(const MetricRow<Counters>& row, const Parts<Counters>& parts) {
  double total = 0;
  for (const Counters* part : parts) total += row.value(*part);
  return total;
}

template <class Counters>
void append(std::vector<Sample>& samples, const MetricRow<Counters>& row, const char* key,
            const std::string& name, const Parts<Counters>& parts) {
  Labels labels{{key, name}};
  for (auto& label : labels_of(row.label)) labels.push_back(std::move(label));
  samples.push_back({row.name, std::move(labels), row.kind, row.help, sum(row, parts)});
}

/// "sluice_route_failures_total", "kind=connect" is failures_total.connect.
template <class Counters>
void append(nlohmann::ordered_json& json, const MetricRow<Counters>& row, std::string_view prefix,
            const Parts<Counters>& parts) {
  const std::string name(std::string_view(row.name).substr(prefix.size()));
  const auto value = static_cast<std::int64_t>(sum(row, parts));
  const Labels labels = labels_of(row.label);
  if (labels.empty()) {
    json[name] = value;
  } else {
    json[name][labels.front().second] = value;
  }
}

nlohmann::ordered_json route_json(std::size_t index, const Workers& workers,
                                  const RelayOptions& options) {
  const relay::RouteOptions& route = options.routes[index];
  nlohmann::ordered_json json{{"name", route.name},
                              {"path", route.path},
                              {"upstream", options.upstreams[route.upstream].name}};
  const auto parts = route_parts(workers, index);
  for (const RouteRow& row : route_rows_of_metrics()) append(json, row, "sluice_route_", parts);
  return json;
}

const char* name_of(UpstreamBoard::State state) {
  switch (state) {
    case UpstreamBoard::State::well:
      return "well";
    case UpstreamBoard::State::resting:
      return "resting";
    case UpstreamBoard::State::failing:
      break;
  }
  return "failing";
}

double seconds(Duration time) {
  return std::chrono::duration<double>(std::chrono::duration_cast<Millis>(time)).count();
}

nlohmann::ordered_json address_json(const UpstreamBoard::Address& address, TimePoint now) {
  const auto state = UpstreamBoard::state_of(address, now);
  const bool is_well = state == UpstreamBoard::State::well;
  nlohmann::ordered_json json{{"address", address.name},
                              {"state", name_of(state)},
                              {"connections", address.connections},
                              {"calls", address.calls},
                              {"failures_in_a_row", is_well ? 0U : address.health.failures}};
  if (state == UpstreamBoard::State::resting) {
    json["rests_for_seconds"] = seconds(address.rests_until - now);
  }
  if (!address.health.error.empty()) {
    json["last_error"] = address.health.error;
    json["last_error_seconds_ago"] = seconds(now - address.health.failed_at);
  }
  return json;
}

nlohmann::ordered_json upstream_json(std::size_t index, const Workers& workers,
                                     const Shared& shared) {
  nlohmann::ordered_json json{{"name", shared.config.relay.upstreams[index].name}};
  const auto parts = upstream_parts(workers, index);
  for (const UpstreamRow& row : upstream_rows_of_metrics()) {
    append(json, row, "sluice_upstream_", parts);
  }
  json["addresses"] = nlohmann::ordered_json::array();
  for (const UpstreamBoard::Address& address : shared.upstreams.of(index)) {
    json["addresses"].push_back(address_json(address, shared.clock.now()));
  }
  return json;
}

}  // namespace

Labels labels_of(const char* text) {
  const std::string_view label = text;
  if (label.empty()) return {};
  const std::size_t equals = label.find('=');
  return {{std::string(label.substr(0, equals)), std::string(label.substr(equals + 1))}};
}

std::vector<Sample> relay_samples(const Workers& workers, const Shared& shared) {
  std::vector<Sample> samples;
  const RelayOptions& options = shared.config.relay;
  for (const RouteRow& row : route_rows_of_metrics()) {
    for (std::size_t i = 0; i < options.routes.size(); ++i) {
      append(samples, row, "route", options.routes[i].name, route_parts(workers, i));
    }
  }
  for (const UpstreamRow& row : upstream_rows_of_metrics()) {
    for (std::size_t i = 0; i < options.upstreams.size(); ++i) {
      append(samples, row, "upstream", options.upstreams[i].name, upstream_parts(workers, i));
    }
  }
  return samples;
}

std::vector<FirstByte> first_bytes(const Workers& workers, const Shared& shared) {
  std::vector<FirstByte> all;
  const auto& routes = shared.config.relay.routes;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    FirstByte of{.route = routes[i].name, .parts = {}};
    for (const auto* part : route_parts(workers, i)) of.parts.push_back(&part->first_byte);
    all.push_back(std::move(of));
  }
  return all;
}

void add_relay(nlohmann::ordered_json& json, const Workers& workers, const Shared& shared) {
  const RelayOptions& options = shared.config.relay;
  if (!options.has_routes()) return;
  json["routes"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < options.routes.size(); ++i) {
    json["routes"].push_back(route_json(i, workers, options));
  }
  json["upstreams"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < options.upstreams.size(); ++i) {
    json["upstreams"].push_back(upstream_json(i, workers, shared));
  }
}

}  // namespace sluice::server
