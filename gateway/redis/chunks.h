/// Chunks: ranges of history in memory, by the number of the range: positions 256 n + 1 to
/// 256 (n + 1).
///
/// Owner   Past. Thread  its thread. Units  bytes of memory (Event::memory()).
/// Invariant  the bound holds after put(), but for the chunk that was put last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/sse/event.h"

namespace sluice::redis {

struct Chunk {
  static constexpr std::uint64_t kSize = 256;

  struct Slot {
    bool is_there = false;
    sse::EventPtr event;  ///< Null, and there: no event.
  };
  std::vector<Slot> slots = std::vector<Slot>(kSize);
  sse::Position through;  ///< All of it that there was when it was read.
  std::size_t bytes = 0;

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
