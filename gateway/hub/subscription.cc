#include "gateway/hub/subscription.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/hub/hub.h"

namespace sluice::hub {

using sse::Position;

Subscription::Subscription(Hub& hub, Channel& channel, Subscriber& subscriber, Start start)
    : hub_(hub), channel_(channel), subscriber_(subscriber), position_(start.after) {
  ++channel_.readers;
  hub_.counters_.lagging.add();
  fresh_turn_ = hub_.turn_;
  is_ahead_ = position_ > hub_.window_.last();
  if (start.is_earliest) told_missing_ = hub_.window_.last();
  if (const std::size_t rate = channel_.interest().max_rate; rate > 0) {
    pace_ = std::make_unique<Pace>(rate, hub_.home_.clock.now(), [this] { on_pace(); });
  }
  if (start.gap) {
    put_gap(*start.gap, position_, start.asked);
  } else if (channel_.complete_since() <= position_) {
    go_live();
  }
}

Subscription::~Subscription() {
  stop_resting();
  if (rest_ == Rest::fetching) hub_.counters_.fetching.sub();
  if (is_lagging_) hub_.counters_.lagging.sub();
  --channel_.readers;
  hub_.unsubscribed(channel_);
}

std::size_t Subscription::ready(std::size_t max) {
  stop_resting();
  if (rest_ != Rest::none) return 0;
  if (is_ahead_) {
    // What comes meanwhile is what it has had elsewhere.
    while (sequence_ < channel_.next() && sequence_ >= channel_.first() &&
           channel_.at(sequence_)->position <= position_) {
      ++sequence_;
    }
    is_ahead_ = hub_.window_.last() < position_;
  }
  if (!is_lagging_ && sequence_ < channel_.first()) fall_behind();
  if (page_bytes_ == 0 && is_lagging_) read_history();
  if (page_bytes_ == 0 && must_pick()) pick_from_ring();
  std::size_t bytes = page_bytes_;
  if (!is_lagging_ && bytes < max && !must_pick()) bytes += channel_.bytes_from(sequence_);
  if (bytes == 0 && rest_ == Rest::none) {
    if (allowance() == 0) {
      rest(Rest::paced);
    } else {
      rest(is_lagging_ ? Rest::scanning : Rest::waiting);
    }
  }
  return std::min(bytes, max);
}

/// Events are not simply taken from the ring one after the other: a rate bounds them, or the reader
/// is slow and some topics' events may stand for older ones.
bool Subscription::must_pick() const {
  if (is_lagging_ || sequence_ == channel_.next()) return false;
  return pace_ != nullptr || (hub_.rules_.has_policies() && fresh_turn_ != hub_.turn_);
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
  if (page_next_ == page_.size() && !page_.empty()) finish_page();
}

void Subscription::finish_page() {
  page_.clear();
  page_next_ = 0;
  position_ = std::max(position_, std::exchange(page_through_, Position(0)));
  if (!is_lagging_) page_.shrink_to_fit();
}

void Subscription::finish_event(const sse::Event& event) {
  position_ = event.position;
  if (!event.topics.empty()) hub_.counters_.deliveries.add();
}

std::size_t Subscription::rest_of_event() const {
  return offset_ == 0 ? 0 : page_[page_next_]->wire.size() - offset_;
}

void Subscription::go_live() {
  if (dropped_ > 0) put_dropped();
  sequence_ = channel_.sequence_behind(position_);
  is_lagging_ = false;
  was_live_ = true;
  if (page_.empty()) page_.shrink_to_fit();
  hub_.counters_.lagging.sub();
}

void Subscription::fall_behind() {
  is_lagging_ = true;
  hub_.counters_.lagging.add();
  hub_.counters_.fell_behind.add();
}

void Subscription::close() {
  rest(Rest::closed);
  subscriber_.close();
}

void Subscription::rest(Rest where) {
  rest_ = where;
  switch (where) {
    case Rest::waiting:
      channel_.waiting.push_back(*this);
      ++channel_.waiting_count;
      break;
    case Rest::scanning:
      hub_.scanning_.push_back(*this);
      break;
    case Rest::paced:
      pace_->wait(hub_.home_.wheel);
      break;
    case Rest::none:
    case Rest::fetching:
    case Rest::closed:
      break;
  }
}

/// Those that wait for an answer, or for their end, rest on.
void Subscription::stop_resting() {
  if (rest_ == Rest::fetching || rest_ == Rest::closed) return;
  if (rest_ == Rest::waiting) {
    --channel_.waiting_count;
    // It had everything when it began to wait, and nothing that came up to here was for it.
    position_ = std::max(position_, hub_.told_);
    fresh_turn_ = hub_.turn_;
  }
  if (rest_ == Rest::paced) pace_->stop_waiting();
  rest_ = Rest::none;
  unlink();
}

void Subscription::on_pace() {
  rest_ = Rest::none;
  subscriber_.wake();
}

}  // namespace sluice::hub
