/// Window: the recent past of all topics, for readers that come back or lag behind.
///
/// Owner      its worker's Hub. Events are shared with the other workers' windows.
/// Thread     the worker only.
/// Units      limits count events, and bytes of memory (Event::memory()).
/// Invariant  positions are consecutive; both limits hold after append().
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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
  };
  explicit Window(Limits limits) : limits_(limits) {}

  /// `event` stands directly behind the last one; the first one may stand anywhere.
  void append(sse::EventPtr event);

  /// The last position known; 0 before the first event.
  [[nodiscard]] sse::Position last() const { return last_; }
  /// Everything up to here is no longer held.
  [[nodiscard]] sse::Position evicted() const {
    return sse::Position(last_.value() - events_.size());
  }
  [[nodiscard]] const sse::EventPtr& at(sse::Position position) const;
  /// Where the earliest event with that publisher's id stands, if it is held.
  [[nodiscard]] std::optional<sse::Position> find(std::string_view own_id) const;
  /// The first held event behind `after` with the topic of exactly that name; 0 when there is none.
  [[nodiscard]] sse::Position next_of_topic(std::string_view topic, sse::Position after) const;

  [[nodiscard]] std::size_t size() const { return events_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  /// Positions of one topic's events, rising; those before `head` are evicted.
  struct TopicLog {
    std::vector<std::uint64_t> positions;
    std::size_t head = 0;
  };

  void evict_oldest();

  const Limits limits_;
  std::deque<sse::EventPtr> events_;
  sse::Position last_{0};
  std::size_t bytes_ = 0;
  TextMap<TopicLog> topics_;
  TextMap<sse::Position> own_ids_;
};

}  // namespace sluice::hub
