/// Window: the recent past of all topics, for readers that come back or lag behind.
///
/// Owner      its worker's Hub. Events are shared with the other workers' windows.
/// Thread     the worker only.
/// Units      limits count events, and bytes of memory (Event::memory()).
/// Invariant  positions are consecutive; limits on events and bytes hold after append(). An event
///            that a topic's rule removed leaves a hole, which remembers that something was there.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"
#include "gateway/hub/rules.h"
#include "gateway/hub/selector.h"
#include "gateway/sse/event.h"

namespace sluice::hub {

/// Looks a std::string key up by std::string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

class Window {
 public:
  struct Limits {
    std::size_t events;
    std::size_t bytes;
    Millis age{0};  ///< 0: none.
  };
  /// Begins empty, behind `last`. `rules` outlives it; null: none.
  explicit Window(Limits limits, const Rules* rules = nullptr,
                  sse::Position last = sse::Position(0))
      : limits_(limits),
        rules_(rules != nullptr && rules->has_retention() ? rules : nullptr),
        last_(last) {}

  /// `event` stands behind the last one. What stood between them was taken away before it was seen
  /// here (journal/tail.h), and leaves holes.
  void append(sse::EventPtr event);
  /// Lets go of what is too old: all of it at the front, and a share of what rules say. Every
  /// second.
  void expire(WallTime now);

  /// The last position known.
  [[nodiscard]] sse::Position last() const { return last_; }
  /// Everything up to here is no longer held.
  [[nodiscard]] sse::Position evicted() const {
    return sse::Position(last_.value() - events_.size());
  }
  /// Null: a rule has removed it.
  [[nodiscard]] const sse::EventPtr& at(sse::Position position) const;
  /// Where the earliest event with that publisher's id stands, if it is held.
  [[nodiscard]] std::optional<sse::Position> find(std::string_view own_id) const;
  /// The first held event behind `after` with the topic of exactly that name; 0 when there is none.
  [[nodiscard]] sse::Position next_of_topic(std::string_view topic, sse::Position after) const;
  /// Where a rule last removed an event with that first topic that a reader may miss; 0: nowhere.
  [[nodiscard]] sse::Position removed_of_topic(std::string_view topic) const;
  /// The same for any topic.
  [[nodiscard]] sse::Position removed() const { return removed_; }
  /// The newest held event with the same first topic and the same key; null when there is none.
  [[nodiscard]] sse::EventPtr newest_like(const sse::Event& event) const;

  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  /// Positions of one topic's events, rising; those before `head` are gone.
  struct TopicLog {
    std::vector<std::uint64_t> positions;
    std::size_t head = 0;
    sse::Position newest{0};  ///< Of those that have it as first topic and no key.
    std::unique_ptr<TextMap<sse::Position>> keys;  ///< The newest of each key.
  };
  /// The events of one topic that a rule bounds; it is their first topic.
  struct Ruled {
    std::deque<sse::Position> positions;
    std::size_t bytes = 0;
    sse::Position removed{0};
  };

  [[nodiscard]] bool is_held(sse::Position position) const;
  void leave_holes_before(sse::Position position);
  void index(const sse::Event& event);
  void unindex(const sse::Event& event);
  void unindex_key(TopicLog& log, const sse::Event& event);
  void evict_oldest();
  void hold_to_rule(const sse::Event& event);
  void trim(Ruled& ruled, const TopicRule& rule, WallTime now);
  void remove_oldest(Ruled& ruled, const TopicRule& rule);

  const Limits limits_;
  const Rules* const rules_;
  std::deque<sse::EventPtr> events_;
  sse::Position last_;
  std::size_t bytes_ = 0;
  TextMap<TopicLog> topics_;
  TextMap<sse::Position> own_ids_;
  TextMap<Ruled> ruled_;
  std::size_t swept_ = 0;  ///< Bucket of ruled_ that expire() goes on with.
  sse::Position removed_{0};
};

}  // namespace sluice::hub
