/// EventCache: events that were read lately, so that many readers of the same past share them.
///
/// Owner  the reader. Thread  its thread only. Units  bytes of memory (Event::memory()).
/// Invariant  the bound holds after put().
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

#include "gateway/sse/event.h"

namespace sluice::journal {

class EventCache {
 public:
  explicit EventCache(std::size_t bytes) : limit_(bytes) {}

  /// Null: it is not here. A null event in it: it cannot be read.
  [[nodiscard]] const sse::EventPtr* find(std::uint64_t position) {
    const auto found = places_.find(position);
    if (found == places_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->second;
  }
  void put(std::uint64_t position, sse::EventPtr event) {
    if (places_.contains(position)) return;
    bytes_ += cost(event);
    order_.emplace_front(position, std::move(event));
    places_.emplace(position, order_.begin());
    while (bytes_ > limit_) drop_oldest();
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static std::size_t cost(const sse::EventPtr& event) {
    constexpr std::size_t kEntry = 128;
    return kEntry + (event ? event->memory() : 0);
  }
  void drop_oldest() {
    bytes_ -= cost(order_.back().second);
    places_.erase(order_.back().first);
    order_.pop_back();
  }

  using Order = std::list<std::pair<std::uint64_t, sse::EventPtr>>;
  const std::size_t limit_;
  Order order_;  ///< The last used first.
  std::unordered_map<std::uint64_t, Order::iterator> places_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::journal
