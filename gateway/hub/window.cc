#include "gateway/hub/window.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"

namespace sluice::hub {

using sse::Position;

void Window::append(sse::EventPtr event) {
  SLUICE_ASSERT(events_.empty() || event->position == last_.next(),
                "the journal's events came out of order");
  last_ = event->position;
  bytes_ += event->memory();
  for (const std::string& topic : event->topics) {
    auto& positions = topics_[topic].positions;
    // A topic named twice by one event counts once.
    if (positions.empty() || positions.back() != last_.value()) positions.push_back(last_.value());
  }
  if (event->has_own_id) own_ids_.try_emplace(event->id, last_);
  events_.push_back(std::move(event));
  while (!events_.empty() && (events_.size() > limits_.events || bytes_ > limits_.bytes)) {
    evict_oldest();
  }
}

void Window::evict_oldest() {
  const sse::EventPtr event = std::move(events_.front());
  events_.pop_front();
  bytes_ -= event->memory();
  if (event->has_own_id) {
    const auto known = own_ids_.find(event->id);
    if (known != own_ids_.end() && known->second == event->position) own_ids_.erase(known);
  }
  for (const std::string& topic : event->topics) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) continue;
    TopicLog& log = found->second;
    if (log.head < log.positions.size() && log.positions[log.head] == event->position.value()) {
      ++log.head;
    }
    if (log.head == log.positions.size()) {
      topics_.erase(found);
    } else if (log.head > 64 && log.head * 2 > log.positions.size()) {
      log.positions.erase(log.positions.begin(),
                          log.positions.begin() + static_cast<std::ptrdiff_t>(log.head));
      log.head = 0;
    }
  }
}

const sse::EventPtr& Window::at(Position position) const {
  SLUICE_ASSERT(position > evicted() && position <= last_, "that event is not in the window");
  return events_[static_cast<std::size_t>(position.value() - evicted().value() - 1)];
}

std::optional<Position> Window::find(std::string_view own_id) const {
  const auto found = own_ids_.find(own_id);
  if (found == own_ids_.end()) return std::nullopt;
  return found->second;
}

Position Window::next_of_topic(std::string_view topic, Position after) const {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return Position(0);
  const auto& positions = found->second.positions;
  const auto begin = positions.begin() + static_cast<std::ptrdiff_t>(found->second.head);
  const auto next = std::upper_bound(begin, positions.end(), after.value());
  return Position(next == positions.end() ? 0 : *next);
}

}  // namespace sluice::hub
