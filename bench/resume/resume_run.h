/// ResumeRun: many readers come back, each behind by some events, on a long history of other
/// topics.
///
/// Phases: fill the history; all streams come with a cursor behind which nothing is for them,
/// twice (once to warm up); they come with a cursor behind which each has missed the same number of
/// events; and then, while they stay, as many events are published live.
///
/// Thread  one; everything happens within its turns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/audience.h"
#include "bench/load/subscriber.h"
#include "bench/load/usage.h"
#include "bench/publish/stream_publisher.h"

namespace sluice::bench {

struct ResumeOptions {
  Options load;         ///< Where is read, connections, streams, topics, sizes, server.
  Url publish;          ///< Its path is not used.
  bool is_far = false;  ///< The events of other topics stand behind the missed ones, not before.
  std::uint64_t missed = 100;        ///< Events of each topic.
  std::uint64_t others = 1'000'000;  ///< Events of topics that nobody reads.
  std::uint64_t live_batch = 16;     ///< Events of each topic that are under way at once, live.
  std::uint64_t spread_ns = 0;       ///< The connections come within this.
  std::uint64_t fill_limit_ns = 0;
  std::uint64_t phase_limit_ns = 0;
};

/// Dies with one line when the command line cannot work.
ResumeOptions resume_options_from(int argc, char** argv);

class ResumeRun {
 public:
  explicit ResumeRun(const ResumeOptions& options);
  /// All phases; false when one of them came to no end.
  bool perform();

  // What came of it; valid after perform().
  [[nodiscard]] const Faults& faults() const { return faults_; }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string json() const;

 private:
  struct Phase {
    Usage from, to;
    std::uint64_t events = 0;  ///< That the streams had, or for filling that were published.
    double spread_s = 0;       ///< Until the last connection was begun.
    [[nodiscard]] double seconds() const;
    [[nodiscard]] double server_us() const;
  };
  /// All streams of one coming back.
  struct Crowd {
    explicit Crowd(const Options& options) : audience(options) {}
    Audience audience;
    std::vector<std::unique_ptr<Subscriber>> subscribers;
  };

  bool perform_all();
  bool fill();
  /// Publishes a stream of events; its last id, or nothing when it failed.
  std::string publish(const StreamPublisher::Next& next);
  StreamPublisher::Next other_events() const;
  StreamPublisher::Next missed_events() const;
  /// Appends event `sequence` of each topic.
  void append_round(std::string& body, std::uint64_t sequence) const;
  bool come_back(Crowd& crowd, const std::string& cursor, std::uint64_t behind, Phase& phase);
  bool live(Crowd& crowd);
  void settle() const;
  [[nodiscard]] double replay_us() const;
  [[nodiscard]] double live_us() const;
  [[nodiscard]] double live_publishing_us() const;
  [[nodiscard]] double ratio() const;

  const ResumeOptions& options_;
  TlsContextPtr tls_;
  std::string before_;  ///< The id behind which the events stand that are missed.
  std::string newest_;
  Phase fill_, idle_, replay_, live_;
  std::uint64_t history_ = 0;  ///< Events that were published before anybody came.
  Faults faults_;
  std::string said_;  ///< By a stream that failed.
};

}  // namespace sluice::bench
