/// Run: one measurement, from the first connection to the last delivery.
///
/// Phases: rehearse, if asked to; connect every subscriber, and wait until each stream has its 200
/// and first byte; settle; publish, or read what the application behind a relay sends, and warm up;
/// measure; stop publishing, and wait until all has arrived or the limit; if asked to, all leave,
/// some time passes, and they come and leave again.
///
/// Thread  one; everything happens within its turns.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/common/process_stats.h"
#include "bench/load/audience.h"
#include "bench/load/publisher.h"
#include "bench/load/source.h"
#include "bench/load/subscriber.h"

namespace sluice::bench {

/// What was used and counted up to one moment.
struct Moment {
  std::uint64_t at_ns = 0;
  std::uint64_t server_cpu_ns = 0;
  std::map<int, std::uint64_t> server_threads;  ///< CPU in ns, by the thread's id.
  std::uint64_t own_cpu_ns = 0;
  std::uint64_t source_cpu_ns = 0;
  std::uint64_t server_rss_kib = 0;
  std::uint64_t published = 0;
  Audience::Counts counts;
  std::vector<std::uint64_t> steal_ticks;
};

class Run {
 public:
  explicit Run(const Options& options);
  /// All phases, one after the other; false when the subscribers could not be set up.
  bool perform();

  // What came of it; valid after perform().
  Moment begin, ready, measure_from, measure_to, end;
  /// The server's memory before all subscribers left and some time after.
  struct Leave {
    std::uint64_t connected_kib, gone_kib;
  };
  std::vector<Leave> left;
  /// What the application behind a relay was asked for and sent, where there is one.
  Source::Counts source;
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const Audience& audience() const { return audience_; }
  [[nodiscard]] const Publisher::Counts& publish_counts() const { return publish_.counts; }
  /// Everything that must be zero, by name.
  struct Fault {
    std::string_view name;
    std::uint64_t count;
  };
  [[nodiscard]] std::vector<Fault> faults() const;
  [[nodiscard]] bool is_clean() const;

 private:
  [[nodiscard]] Moment moment() const;
  /// Of each publisher, the sequence of the last event that was acknowledged.
  [[nodiscard]] std::vector<std::uint32_t> acknowledged() const;
  /// Some connections come and go; nothing of it is counted.
  bool rehearse();
  bool set_up();
  /// A connection for each subscriber, until all their streams are ready.
  bool connect_all(std::uint64_t deadline_ns);
  bool leave_and_come_back();
  void drain();
  /// Deliveries without which the end is not reached.
  [[nodiscard]] std::uint64_t expected_deliveries() const;
  /// Turns until `deadline_ns`, or until `is_done` says so after a turn.
  void turn_until(std::uint64_t deadline_ns, const std::function<bool()>& is_done);
  void turn_for(std::uint64_t duration_ns);
  void publish_what_is_due();
  Publisher* idle_publisher();
  [[nodiscard]] bool may_publish(std::uint64_t now) const;

  const Options& options_;
  Audience audience_;
  Publisher::Shared publish_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::uint64_t expected_streams_ = 0;  ///< That were asked for so far.
  bool publishing_ = false;
  bool is_held_up_ = false;  ///< An event is due, and all publishers wait for answers.
  std::size_t next_publisher_ = 0;
  std::uint64_t next_due_ns_ = 0;  ///< With a fixed rate.
};

}  // namespace sluice::bench
