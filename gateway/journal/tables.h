/// Tables: how one event stands in the tables of a history, and how it leaves them.
///
/// Every change is made in one transaction, on a copy of the State that becomes the true one when
/// it is committed.
///
/// Owner   a function of the writer's. Thread  the writer's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/journal/layout.h"
#include "gateway/journal/repeats.h"
#include "gateway/journal/retention.h"
#include "gateway/journal/store.h"
#include "gateway/sse/event.h"

namespace sluice::journal {

/// Names stand in the indexes as hashes with the history's seed.
[[nodiscard]] std::uint64_t hash_of(std::string_view name, std::uint64_t seed);

/// An entry of Table::once.
struct OnceEntry {
  Repeats::Key key;
  WallTime time;
  std::string id;
};
[[nodiscard]] std::string make_once(const OnceEntry& entry);
std::optional<OnceEntry> parse_once(std::string_view bytes);

/// What is known of a stored event without its text.
struct Held {
  std::uint64_t position = 0;
  std::size_t cost = 0;
  std::string first_topic;
  std::vector<std::uint64_t> topics;  ///< Hashes, each once; the first topic's is the first.
  std::optional<std::uint64_t> own_id;
  WallTime time;
  bool is_ruled = false;
  bool is_damaged = false;  ///< Only position and cost are known.
};

class Tables {
 public:
  Tables(Txn& txn, State& state, std::uint64_t seed) : txn_(txn), state_(state), seed_(seed) {}

  /// `rule` is that of the first topic, null when it has none.
  void add(const sse::Event& event, const Retention* rule);
  /// The oldest event that is held.
  [[nodiscard]] std::optional<Held> oldest();
  /// The oldest one at or behind `at_least` whose first topic is this one with a rule.
  [[nodiscard]] std::optional<Held> oldest_of(std::uint64_t topic);
  /// Removes the oldest event of all.
  void evict(const Held& held);
  /// Removes an event because of its topic's rule. `is_missed`: its topics are marked as missing
  /// something.
  void remove_by_rule(const Held& held, bool is_missed);

  /// A mark of something missing at or before `position` is of no use. False: there is none.
  bool drop_mark_through(std::uint64_t position);
  /// The oldest mark becomes one of all topics.
  void fold_oldest_mark();

  [[nodiscard]] TopicFigures figures(std::uint64_t topic);
  /// `due` in ms since 1970; 0: not at all.
  void set_due(std::uint64_t topic, std::uint64_t due);
  void put_state();

 private:
  void put_figures(std::uint64_t topic, const TopicFigures& figures);
  void remove(const Held& held);
  void mark(std::uint64_t topic, std::uint64_t position);
  void drop_mark(std::uint64_t position, std::uint64_t topic);
  [[nodiscard]] Held describe(std::uint64_t position, std::string_view record) const;

  Txn& txn_;
  State& state_;
  const std::uint64_t seed_;
};

/// When the event gets too old by `rule`, in ms since 1970.
[[nodiscard]] std::uint64_t due_of(WallTime time, const Retention& rule);

}  // namespace sluice::journal
