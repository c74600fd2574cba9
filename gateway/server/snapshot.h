/// Snapshot: one moment of the whole process, as the dashboard is sent it: one line of JSON.
///
/// Counts are totals since the start, of which two moments make a rate: the page does that, so that
/// nothing here has to remember who saw what when. `figures` is what /status has, so that a new
/// metric is there at once.
///
///   {"at_ms": 1790000000000, "started_ms": …, "uptime_ms": …, "version": "0.1.0",
///    "state": "ready" | "overloaded" | "draining",
///    "drain": null | {"stage": "delay" | "window" | "last_words", "began_with": 1000, "left_ms":
///    …}, "journal": "memory" | "file" | "redis", "trouble": null | "Redis at … is away: …",
///    "limits": {"streams": …, "connections": …, "backlog_events": …}, "bounds_seconds": […],
///    "workers": [{"connections": …, "streams": …, "deliveries": …, "backlog_events": …,
///    "busy_seconds": …, "turns": […]}], "commits": […], "figures": {…}}
///
/// `turns` and `commits` count by `bounds_seconds`, and have one more for what is above the last.
/// Thread  any; the drain's progress is the control thread's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/base/units.h"
#include "gateway/server/metrics.h"

namespace sluice::server {

/// When the process began. The wall's tells a page that it looks at another one.
struct Birth {
  TimePoint steady{};
  WallTime wall{};
};

/// What /status does not have.
struct Snapshot {
  struct Load {
    std::uint64_t connections = 0;
    std::uint64_t streams = 0;
    std::uint64_t deliveries = 0;
    std::uint64_t backlog_events = 0;
    const Histogram* turns = nullptr;
  };
  enum class State : std::uint8_t { ready, overloaded, draining };

  WallTime at{};
  WallTime started{};
  Millis uptime{};
  bool is_behind = false;       ///< A worker is too far behind for publishers.
  bool is_out_of_room = false;  ///< Of memory: newcomers are parked.
  DrainProgress drain;
  Journal journal = Journal::memory;
  std::string trouble;                 ///< Why it cannot be worked with; empty: it can.
  LimitOptions limits;                 ///< With what they really are where that is less.
  std::vector<Load> workers;           ///< By index.
  const Histogram* commits = nullptr;  ///< Of the file journal.

  [[nodiscard]] State state() const;
};

[[nodiscard]] Snapshot take_snapshot(const Workers& workers, const Shared& shared,
                                     const Birth& birth);
/// `figures`: those of status().
[[nodiscard]] std::string to_json(const Snapshot& snapshot, nlohmann::ordered_json figures);
/// Both.
[[nodiscard]] std::string snapshot_json(const Workers& workers, const Shared& shared,
                                        const Birth& birth);

}  // namespace sluice::server
