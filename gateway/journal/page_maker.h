/// PageMaker: one page of history, out of one transaction.
///
/// Without topics it goes through all events in order; a position that is not there is missing.
/// With topics it merges the indexes of these topics; what a rule removed is known by its marks.
///
/// Owner   a function of the reader's. Thread  the reader's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/journal/history.h"
#include "gateway/journal/layout.h"
#include "gateway/journal/store.h"

namespace sluice::journal {

class PageMaker {
 public:
  /// The event at a position, whose record may be known already; null: it cannot be read.
  using EventAt =
      std::function<sse::EventPtr(std::uint64_t position, std::optional<std::string_view> record)>;

  PageMaker(Txn& txn, const Query& query, EventAt event_at, WallTime now);

  [[nodiscard]] Page make(const State& state, std::uint64_t seed);

 private:
  void read_all(std::uint64_t after);
  void read_topics(std::uint64_t after, const std::vector<std::uint64_t>& topics);
  void note_marks(const State& state, const std::vector<std::uint64_t>& topics);
  /// False: the page ends before this event.
  bool look_at(std::uint64_t position, std::optional<std::string_view> record);
  void note_missing(std::uint64_t position);

  Txn& txn_;
  const Query& query_;
  const EventAt event_at_;
  const WallTime now_;
  std::uint64_t end_ = 0;      ///< The last position asked for that there is.
  std::uint64_t through_ = 0;  ///< Looked at so far.
  std::uint64_t missing_ = 0;
  std::size_t looks_ = 0;
  std::size_t bytes_ = 0;
  Page page_;
};

}  // namespace sluice::journal
