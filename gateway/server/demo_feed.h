/// DemoFeed: makes the events that the demo page shows, so that it is alive without a back end.
///
/// Owner      the server, when the development default runs.
/// Thread     one; whoever calls tick().
/// Units      tick() takes unix milliseconds, and each event carries them as `t`; prices are kept
///            in hundredths.
/// Errors     none. It does no I/O, reads no clock: the same seed yields the same events.
/// Invariant  every event has one topic below `demo/` and data that is one line of JSON; a topic
///            appears at most once per tick.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gateway/sse/event.h"

namespace sluice::server {

class DemoFeed {
 public:
  static constexpr std::size_t kTickers = 94;  ///< demo/ticker/001 to demo/ticker/094
  static constexpr std::size_t kJobs = 3;      ///< demo/progress/1 to demo/progress/3

  explicit DemoFeed(std::uint64_t seed);

  /// What happened in the last tenth of a second: about 30 of the tickers moved, and sometimes
  /// there is a log line, a step of a job, a notification. Meant to be called ten times a second.
  std::vector<sse::Draft> tick(std::int64_t unix_ms);

 private:
  struct Ticker {
    std::int64_t opening = 0;
    std::int64_t price = 0;
  };
  struct Job {
    std::size_t name = 0;
    int percent = 0;
    int rest = 0;  ///< Ticks to wait at 100 before the next job starts.
  };
  using Drafts = std::vector<sse::Draft>;

  void move_tickers(std::int64_t unix_ms, Drafts& out);
  void write_log(std::int64_t unix_ms, Drafts& out);
  void advance_jobs(std::int64_t unix_ms, Drafts& out);
  void notify(std::int64_t unix_ms, Drafts& out);
  void move(Ticker& ticker);

  /// Evenly one of `low` to `high`. The standard's distributions differ between libraries.
  std::int64_t between(std::int64_t low, std::int64_t high);
  bool one_in(std::int64_t n) { return between(1, n) == 1; }

  std::mt19937_64 random_;
  std::array<Ticker, kTickers> tickers_;
  std::array<Job, kJobs> jobs_;
  std::int64_t ticks_ = 0;
  std::size_t next_notice_ = 0;
};

}  // namespace sluice::server
