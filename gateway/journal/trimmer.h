/// Trimmer: holds history to its bounds, a bounded step at a time.
///
/// First the bounds of single topics, which leave marks behind; then those of all events, oldest
/// first, which raise State::evicted; then what nobody can ask for any more.
///
/// Owner   a function of the writer's. Thread  the writer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/journal/options.h"
#include "gateway/journal/tables.h"

namespace sluice::journal {

class Trimmer {
 public:
  struct Bounds {
    const FileOptions& options;
    WallTime now;
    std::size_t steps;  ///< Entries that it may remove.
  };
  Trimmer(Txn& txn, State& state, Tables& tables, Bounds bounds);

  /// The rule of a topic that just got an event.
  void trim_topic(std::string_view name, const Retention& rule, std::uint64_t seed);
  void trim_all();

  [[nodiscard]] std::size_t removed() const { return removed_; }  ///< Events.
  [[nodiscard]] bool has_changed() const { return steps_ < bounds_.steps; }
  /// It ran out of steps: there may be more to remove.
  [[nodiscard]] bool has_more() const { return steps_ == 0; }

 private:
  bool step();
  [[nodiscard]] bool is_too_old(WallTime time, const Retention& rule) const;
  void trim_due();
  void trim_due_topic(std::uint64_t topic);
  void trim_front();
  void trim_marks();
  void trim_once();

  Txn& txn_;
  State& state_;
  Tables& tables_;
  const Bounds bounds_;
  std::size_t steps_;
  std::size_t removed_ = 0;
};

}  // namespace sluice::journal
