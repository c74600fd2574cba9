#include "gateway/hub/window.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"

namespace sluice::hub {

using sse::Position;

namespace {
constexpr std::size_t kSweep = 1024;  // Buckets looked at in one expire().
}  // namespace

void Window::append(sse::EventPtr event) {
  SLUICE_ASSERT(event->position > last_, "the journal's events came out of order");
  if (event->position != last_.next()) leave_holes_before(event->position);
  last_ = event->position;
  bytes_ += event->memory();
  index(*event);
  events_.push_back(std::move(event));
  if (rules_ != nullptr) hold_to_rule(*events_.back());
  while (!events_.empty() && (events_.size() > limits_.events || bytes_ > limits_.bytes)) {
    evict_oldest();
  }
}

void Window::leave_holes_before(Position position) {
  const Position before(position.value() - 1);
  if (!events_.empty()) removed_ = before;
  if (before.value() - last_.value() >= limits_.events) {
    while (!events_.empty()) evict_oldest();
  }
  while (!events_.empty() && last_ < before) {
    events_.push_back(nullptr);
    last_ = last_.next();
  }
  last_ = before;
}

void Window::index(const sse::Event& event) {
  bool is_first = true;
  for (const std::string& topic : event.topics) {
    TopicLog& log = topics_[topic];
    // A topic named twice by one event counts once.
    if (log.positions.empty() || log.positions.back() != last_.value()) {
      log.positions.push_back(last_.value());
    }
    if (!std::exchange(is_first, false)) continue;
    if (event.key.empty()) {
      log.newest = last_;
    } else {
      if (!log.keys) log.keys = std::make_unique<TextMap<Position>>();
      log.keys->insert_or_assign(event.key, last_);
    }
  }
  if (event.has_own_id) own_ids_.try_emplace(event.id, last_);
}

void Window::unindex(const sse::Event& event) {
  if (event.has_own_id) {
    const auto known = own_ids_.find(event.id);
    if (known != own_ids_.end() && known->second == event.position) own_ids_.erase(known);
  }
  bool is_first = true;
  for (const std::string& topic : event.topics) {
    const auto found = topics_.find(topic);
    if (found == topics_.end()) continue;
    TopicLog& log = found->second;
    if (std::exchange(is_first, false) && !event.key.empty()) unindex_key(log, event);
    while (log.head < log.positions.size() && !is_held(Position(log.positions[log.head]))) {
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

void Window::unindex_key(TopicLog& log, const sse::Event& event) {
  const auto newest = log.keys->find(event.key);
  if (newest != log.keys->end() && newest->second == event.position) log.keys->erase(newest);
}

void Window::evict_oldest() {
  const sse::EventPtr event = std::move(events_.front());
  events_.pop_front();
  if (!event) return;
  bytes_ -= event->memory();
  unindex(*event);
  if (rules_ == nullptr) return;
  const auto found = ruled_.find(event->topics.front());
  if (found == ruled_.end()) return;
  Ruled& ruled = found->second;
  if (ruled.positions.empty() || ruled.positions.front() != event->position) return;
  ruled.positions.pop_front();
  ruled.bytes -= event->memory();
  if (ruled.positions.empty() && ruled.removed <= evicted()) ruled_.erase(found);
}

void Window::hold_to_rule(const sse::Event& event) {
  const TopicRule* rule = rules_->find(event.topics.front());
  if (rule == nullptr || !rule->has_retention()) return;
  Ruled& ruled = ruled_[event.topics.front()];
  ruled.positions.push_back(event.position);
  ruled.bytes += event.memory();
  trim(ruled, *rule, event.time);
}

void Window::trim(Ruled& ruled, const TopicRule& rule, WallTime now) {
  const auto is_over = [&] {
    if (rule.max_events > 0 && ruled.positions.size() > rule.max_events) return true;
    if (rule.max_bytes > 0 && ruled.bytes > rule.max_bytes) return true;
    return rule.max_age > Millis(0) && at(ruled.positions.front())->time + rule.max_age <= now;
  };
  while (!ruled.positions.empty() && is_over()) remove_oldest(ruled, rule);
}

void Window::remove_oldest(Ruled& ruled, const TopicRule& rule) {
  const Position position = ruled.positions.front();
  ruled.positions.pop_front();
  sse::EventPtr& slot = events_[static_cast<std::size_t>(position.value() - evicted().value() - 1)];
  const sse::EventPtr event = std::move(slot);
  slot = nullptr;
  ruled.bytes -= event->memory();
  bytes_ -= event->memory();
  // Who wants the newest state only has missed nothing.
  if (rule.policy != Policy::latest) ruled.removed = removed_ = std::max(removed_, position);
  unindex(*event);
}

void Window::expire(WallTime now) {
  if (limits_.age > Millis(0)) {
    while (!events_.empty() && (!events_.front() || events_.front()->time + limits_.age <= now)) {
      evict_oldest();
    }
  }
  std::vector<std::string> done;
  for (std::size_t i = 0; i < kSweep && i < ruled_.bucket_count(); ++i) {
    swept_ = (swept_ + 1) % ruled_.bucket_count();
    for (auto at = ruled_.begin(swept_); at != ruled_.end(swept_); ++at) {
      const TopicRule* rule = rules_->find(at->first);
      if (!at->second.positions.empty()) trim(at->second, *rule, now);
      if (at->second.positions.empty() && at->second.removed <= evicted())
        done.push_back(at->first);
    }
  }
  for (const std::string& topic : done) ruled_.erase(topic);
}

bool Window::is_held(Position position) const {
  return position > evicted() && at(position) != nullptr;
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
  auto next = std::upper_bound(begin, positions.end(), after.value());
  while (next != positions.end() && !is_held(Position(*next))) ++next;
  return Position(next == positions.end() ? 0 : *next);
}

Position Window::removed_of_topic(std::string_view topic) const {
  if (rules_ == nullptr) return Position(0);
  const auto found = ruled_.find(topic);
  return found == ruled_.end() ? Position(0) : found->second.removed;
}

sse::EventPtr Window::newest_like(const sse::Event& event) const {
  const auto found = topics_.find(event.topics.front());
  if (found == topics_.end()) return nullptr;
  Position newest = found->second.newest;
  if (!event.key.empty()) {
    if (!found->second.keys) return nullptr;
    const auto of_key = found->second.keys->find(event.key);
    newest = of_key == found->second.keys->end() ? Position(0) : of_key->second;
  }
  return is_held(newest) ? at(newest) : nullptr;
}

}  // namespace sluice::hub
