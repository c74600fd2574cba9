/// Chunks: ranges of history in memory, by the number of the range: positions 256 n + 1 to
/// 256 (n + 1). A chunk has an index of its topics, so that a reader of few of them looks at their
/// events only.
///
/// Owner   Past. Thread  its thread. Units  bytes of memory (Event::memory()).
/// Invariant  the bound holds after put(), but for the chunk that was put last.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/sse/event.h"

namespace sluice::redis {

struct Chunk {
  static constexpr std::uint64_t kSize = 256;
  static constexpr std::size_t kIndexed = 96;  ///< What an event takes in the index, at most.

  struct Slot {
    bool is_there = false;
    sse::EventPtr event;  ///< Null, and there: no event.
  };
  std::vector<Slot> slots = std::vector<Slot>(kSize);
  sse::Position from;     ///< What stands before it was not read …
  sse::Position through;  ///< … nor what stands behind.
  std::size_t bytes = 0;
  /// Where events of a topic stand, rising. The names are the events' own.
  std::unordered_map<std::string_view, std::vector<sse::Position>> topics;
  std::vector<sse::Position> holes;  ///< Where nothing stands, up to `through`, rising.

  /// In order of their places. Null: no event.
  void add(sse::Position position, sse::EventPtr event) {
    if (event != nullptr) {
      bytes += event->memory();
      for (const std::string& topic : event->topics) {
        topics[topic].push_back(position);
        bytes += kIndexed;
      }
    }
    slots[(position.value() - 1) % kSize] = {true, std::move(event)};
  }
  /// Behind the last.
  void note_holes(sse::Position first) {
    for (auto at = first; at <= through; at = at.next()) {
      if (!this->at(at).is_there) holes.push_back(at);
    }
  }

  /// Of events with one of these topics, in (before, last], each once, rising.
  [[nodiscard]] std::vector<sse::Position> places_of(const std::vector<std::string>& names,
                                                     sse::Position before,
                                                     sse::Position last) const {
    std::vector<sse::Position> places;
    for (const std::string& name : names) {
      const auto found = topics.find(name);
      if (found == topics.end()) continue;
      const auto& all = found->second;
      const auto begin = std::upper_bound(all.begin(), all.end(), before);
      places.insert(places.end(), begin, std::upper_bound(begin, all.end(), last));
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    return places;
  }

  [[nodiscard]] static std::uint64_t number_of(sse::Position position) {
    return (position.value() - 1) / kSize;
  }
  [[nodiscard]] static sse::Position first_of(std::uint64_t number) {
    return sse::Position(number * kSize + 1);
  }
  [[nodiscard]] static sse::Position last_of(std::uint64_t number) {
    return sse::Position((number + 1) * kSize);
  }
  [[nodiscard]] const Slot& at(sse::Position position) const {
    return slots[(position.value() - 1) % kSize];
  }
};
using ChunkPtr = std::shared_ptr<const Chunk>;

class Chunks {
 public:
  explicit Chunks(std::size_t bytes) : limit_(bytes) {}

  /// Null: it is not here.
  [[nodiscard]] ChunkPtr find(std::uint64_t number) {
    const auto found = places_.find(number);
    if (found == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return found->second->second;
  }
  void put(std::uint64_t number, ChunkPtr chunk) {
    if (const auto old = places_.find(number); old != places_.end()) drop(old->second);
    bytes_ += cost(*chunk);
    order_.emplace_front(number, std::move(chunk));
    places_.emplace(number, order_.begin());
    while (bytes_ > limit_ && order_.size() > 1) drop(std::prev(order_.end()));
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  using Order = std::list<std::pair<std::uint64_t, ChunkPtr>>;
  static std::size_t cost(const Chunk& chunk) {
    return chunk.bytes + sizeof(Chunk) + Chunk::kSize * sizeof(Chunk::Slot);
  }
  void drop(Order::iterator one) {
    bytes_ -= cost(*one->second);
    places_.erase(one->first);
    order_.erase(one);
  }

  const std::size_t limit_;
  Order order_;  ///< The last used first.
  std::unordered_map<std::uint64_t, Order::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::redis
