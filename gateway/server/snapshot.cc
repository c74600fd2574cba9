#include "gateway/server/snapshot.h"

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t milliseconds(WallTime time) {
  return std::chrono::duration_cast<Millis>(time.time_since_epoch()).count();
}

Json counts_of(const Histogram& histogram) {
  Json counts = Json::array();
  for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) counts.push_back(histogram.count(i));
  return counts;
}

const char* name_of(Journal journal) {
  switch (journal) {
    case Journal::memory:
      return "memory";
    case Journal::file:
      return "file";
    case Journal::redis:
      break;
  }
  return "redis";
}

const char* name_of(Snapshot::State state) {
  switch (state) {
    case Snapshot::State::ready:
      return "ready";
    case Snapshot::State::overloaded:
      return "overloaded";
    case Snapshot::State::draining:
      break;
  }
  return "draining";
}

Json drain_json(const DrainProgress& drain) {
  const auto with = [&drain](const char* stage) {
    return Json{
        {"stage", stage}, {"began_with", drain.began_with}, {"left_ms", drain.left.count()}};
  };
  switch (drain.stage) {
    case DrainProgress::Stage::none:
      return nullptr;
    case DrainProgress::Stage::delay:
      return with("delay");
    case DrainProgress::Stage::window:
      return with("window");
    case DrainProgress::Stage::last_words:
      break;
  }
  return with("last_words");
}

Json load_json(const Snapshot::Load& load) {
  return {{"connections", load.connections},   {"streams", load.streams},
          {"deliveries", load.deliveries},     {"backlog_events", load.backlog_events},
          {"busy_seconds", load.turns->sum()}, {"turns", counts_of(*load.turns)}};
}

Snapshot::Load load_of(const Worker& worker) {
  const auto& counters = worker.counters();
  Snapshot::Load load{
      .connections = static_cast<std::uint64_t>(worker.connection_counters().open.value()),
      .streams = static_cast<std::uint64_t>(counters.site.event_streams.value()),
      .deliveries = counters.hub.deliveries.value(),
      .backlog_events = worker.backlog(),
      .turns = &worker.loop_delay()};
  if (worker.relay() != nullptr) load.streams += worker.relay()->event_streams();
  return load;
}

}  // namespace

Snapshot::State Snapshot::state() const {
  if (drain.stage != DrainProgress::Stage::none) return State::draining;
  return is_behind || is_out_of_room ? State::overloaded : State::ready;
}

Snapshot take_snapshot(const Workers& workers, const Shared& shared, const Birth& birth) {
  Snapshot snapshot{.at = shared.clock.wall(),
                    .started = birth.wall,
                    .uptime = std::chrono::duration_cast<Millis>(shared.clock.now() - birth.steady),
                    .is_behind = shared.is_behind(),
                    .is_out_of_room = shared.is_short_of_memory(MemoryLevel::park),
                    .drain = shared.drain_progress(),
                    .journal = shared.config.history.journal,
                    .trouble = shared.journal.trouble(),
                    .limits = shared.config.limits,
                    .workers = {},
                    .commits = nullptr};
  snapshot.limits.streams = shared.max_streams.load(std::memory_order_relaxed);
  snapshot.limits.connections = shared.connection_limit;
  if (snapshot.journal == Journal::file) snapshot.commits = &shared.journal_counters->writer.commit;
  for (const auto& worker : workers) snapshot.workers.push_back(load_of(*worker));
  return snapshot;
}

std::string to_json(const Snapshot& snapshot, Json figures) {
  Json json{{"at_ms", milliseconds(snapshot.at)},
            {"started_ms", milliseconds(snapshot.started)},
            {"uptime_ms", snapshot.uptime.count()},
            {"version", SLUICE_VERSION},
            {"state", name_of(snapshot.state())},
            {"drain", drain_json(snapshot.drain)},
            {"journal", name_of(snapshot.journal)},
            {"trouble", snapshot.trouble.empty() ? Json() : Json(snapshot.trouble)},
            {"limits",
             {{"streams", snapshot.limits.streams},
              {"connections", snapshot.limits.connections},
              {"backlog_events", snapshot.limits.backlog_events}}},
            {"bounds_seconds", Histogram::kBounds}};
  json["workers"] = Json::array();
  for (const Snapshot::Load& load : snapshot.workers) json["workers"].push_back(load_json(load));
  if (snapshot.commits != nullptr) json["commits"] = counts_of(*snapshot.commits);
  json["figures"] = std::move(figures);
  return json.dump();
}

std::string snapshot_json(const Workers& workers, const Shared& shared, const Birth& birth) {
  return to_json(take_snapshot(workers, shared, birth), status(workers, shared));
}

}  // namespace sluice::server
