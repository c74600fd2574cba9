#include "gateway/hub/subscription.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/hub/hub.h"
#include "gateway/sse/event_id.h"

namespace sluice::hub {

using sse::Position;

namespace {
// A page is what one flush can carry; more would only pin events for a reader that takes none.
constexpr std::size_t kPageBytes = 16_KiB;
constexpr std::size_t kPageEvents = 128;
}  // namespace

Subscription::Subscription(Hub& hub, Channel& channel, Subscriber& subscriber, Start start)
    : hub_(hub), channel_(channel), subscriber_(subscriber), position_(start.after) {
  ++channel_.readers;
  hub_.counters_.lagging.add();
  if (start.gap) {
    auto gap = std::make_shared<sse::Event>();
    gap->position = position_;
    gap->wire = sse::encode_gap(*start.gap, sse::make_id(hub_.epoch_, position_), start.asked);
    page_bytes_ = gap->wire.size();
    page_.push_back(std::move(gap));
    hub_.counters_.gaps.add();
  } else if (channel_.complete_since() <= position_) {
    go_live();
  }
}

Subscription::~Subscription() {
  stop_resting();
  if (is_lagging_) hub_.counters_.lagging.sub();
  --channel_.readers;
  hub_.unsubscribed(channel_);
}

std::size_t Subscription::ready(std::size_t max) {
  stop_resting();
  if (!is_lagging_ && sequence_ < channel_.first()) fall_behind();
  if (page_bytes_ == 0 && is_lagging_) read_history();
  std::size_t bytes = page_bytes_;
  if (!is_lagging_ && bytes < max) bytes += channel_.bytes_from(sequence_);
  if (bytes == 0) rest(is_lagging_ ? Rest::scanning : Rest::waiting);
  return std::min(bytes, max);
}

void Subscription::take(std::span<std::byte> out) {
  while (!out.empty()) {
    const bool from_page = page_next_ < page_.size();
    const sse::EventPtr& event = from_page ? page_[page_next_] : channel_.at(sequence_);
    const std::string& wire = event->wire;
    const std::size_t n = std::min(out.size(), wire.size() - offset_);
    std::memcpy(out.data(), wire.data() + offset_, n);
    out = out.subspan(n);
    if (from_page) page_bytes_ -= n;
    const bool is_whole = offset_ + n == wire.size();
    if (is_whole) {
      offset_ = 0;
      finish_event(*event);
      if (from_page) {
        ++page_next_;
      } else {
        ++sequence_;
      }
    } else {
      // Begun and not finished: held here, so that the ring may give it up meanwhile.
      if (!from_page) {
        page_.assign(1, event);
        page_next_ = 0;
        page_bytes_ = wire.size() - n;
        ++sequence_;
      }
      offset_ += static_cast<std::uint32_t>(n);
    }
  }
  if (page_next_ == page_.size() && !page_.empty()) {
    page_.clear();
    page_next_ = 0;
    if (!is_lagging_) page_.shrink_to_fit();
  }
}

void Subscription::finish_event(const sse::Event& event) {
  position_ = event.position;
  if (!event.topics.empty()) hub_.counters_.deliveries.add();
}

std::size_t Subscription::rest_of_event() const {
  return offset_ == 0 ? 0 : page_[page_next_]->wire.size() - offset_;
}

/// Fills the page from history, or finds that the ring holds all there is.
void Subscription::read_history() {
  if (channel_.complete_since() <= position_) {
    go_live();
    return;
  }
  const Position evicted = hub_.window_.evicted();
  if (position_ < evicted) {
    push_gap(evicted);
    return;
  }
  collect_page();
  if (page_.empty() && channel_.complete_since() <= position_) go_live();
}

void Subscription::collect_page() {
  const Window& window = hub_.window_;
  const bool is_exact = channel_.interest().is_exact();
  // An event costs as much as there are selectors to hold it against.
  const std::size_t cost = channel_.interest().topics.size();
  for (Position at = position_; at < window.last() && hub_.scan_budget_ > 0;) {
    hub_.scan_budget_ -= std::min(cost, hub_.scan_budget_);
    at = is_exact ? next_wanted(at) : at.next();
    if (at == Position(0)) at = window.last();
    const sse::EventPtr& event = window.at(at);
    if (channel_.interest().wants(*event)) {
      page_.push_back(event);
      page_bytes_ += event->wire.size();
      if (page_bytes_ >= kPageBytes || page_.size() >= kPageEvents) return;
    } else if (page_.empty()) {
      position_ = at;  // Looked at, and not for this reader.
    }
  }
}

/// The next event of any of the topics named, by the window's index; 0 when there is none.
Position Subscription::next_wanted(Position after) const {
  Position next(0);
  for (const Selector& topic : channel_.interest().topics) {
    const Position candidate = hub_.window_.next_of_topic(topic.text(), after);
    if (candidate != Position(0) && (next == Position(0) || candidate < next)) next = candidate;
  }
  return next;
}

void Subscription::push_gap(Position at) {
  auto gap = std::make_shared<sse::Event>();
  gap->position = at;
  gap->wire = sse::encode_gap(sse::GapReason::evicted, sse::make_id(hub_.epoch_, at),
                              sse::make_id(hub_.epoch_, position_));
  page_bytes_ += gap->wire.size();
  page_.push_back(std::move(gap));
  hub_.counters_.gaps.add();
}

void Subscription::go_live() {
  sequence_ = channel_.sequence_behind(position_);
  is_lagging_ = false;
  page_.shrink_to_fit();
  hub_.counters_.lagging.sub();
}

void Subscription::fall_behind() {
  is_lagging_ = true;
  hub_.counters_.lagging.add();
  hub_.counters_.fell_behind.add();
}

void Subscription::rest(Rest where) {
  rest_ = where;
  if (where == Rest::waiting) {
    channel_.waiting.push_back(*this);
    ++channel_.waiting_count;
  } else {
    hub_.scanning_.push_back(*this);
  }
}

void Subscription::stop_resting() {
  if (rest_ == Rest::waiting) {
    --channel_.waiting_count;
    // It had everything when it began to wait, and nothing that came up to here was for it.
    position_ = std::max(position_, hub_.told_);
  }
  rest_ = Rest::none;
  unlink();
}

}  // namespace sluice::hub
