/// Ledger: which events of which publisher each stream has had.
///
/// Several publishers race, so there is no one order of all events; but a publisher posts its
/// next event only when the last was acknowledged, so every stream must see each publisher's
/// sequence rise by one. That is one comparison per delivery; only what breaks it costs more.
///
/// Invariant  gaps() is exact: an event that comes late is taken off it again.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

namespace sluice::bench {

class Ledger {
 public:
  struct Faults {
    std::uint64_t duplicates = 0;
    std::uint64_t out_of_order = 0;  ///< Came after a later event of the same publisher.
  };

  Ledger(std::size_t streams, std::size_t publishers)
      : publishers_(publishers), last_(streams * publishers) {}

  /// Sequences start at 1. `publisher` must be below the number of publishers.
  void note(std::size_t stream, std::size_t publisher, std::uint32_t sequence) {
    const auto cell = stream * publishers_ + publisher;
    if (sequence == last_[cell] + 1) [[likely]] {
      last_[cell] = sequence;
      return;
    }
    note_irregular(cell, sequence);
  }

  /// Deliveries that never came, when `published[p]` events of each publisher were acknowledged.
  [[nodiscard]] std::uint64_t gaps(std::span<const std::uint32_t> published) const;
  /// The same when stream s should have had the first `expected(s)` events of one publisher; a
  /// stream of which nothing is expected may still miss none between those that it had.
  [[nodiscard]] std::uint64_t gaps(
      const std::function<std::uint32_t(std::size_t stream)>& expected) const;
  [[nodiscard]] const Faults& faults() const { return faults_; }

 private:
  using Holes = std::map<std::uint32_t, std::uint32_t>;  ///< Missing sequences: last → first.

  [[nodiscard]] std::uint64_t missing_between() const;
  void note_irregular(std::size_t cell, std::uint32_t sequence);

  std::size_t publishers_;
  std::vector<std::uint32_t> last_;  ///< Highest sequence seen, by stream and publisher.
  std::unordered_map<std::size_t, Holes> holes_;
  Faults faults_;
};

}  // namespace sluice::bench
