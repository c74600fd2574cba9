#include "gateway/hub/subscription.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/hub/hub.h"

namespace sluice::hub {

using sse::Position;

Subscription::Subscription(Channel& channel, Subscriber& subscriber, Start start)
    : channel_(channel), subscriber_(subscriber), position_(start.after) {
  Hub& hub = channel_.hub;
  ++channel_.readers;
  hub.counters_.lagging.add();
  fresh_turn_ = hub.turn_;
  is_ahead_ = position_ > hub.window_.last();
  if (start.is_earliest) detour().told_missing = hub.window_.last();
  if (const std::size_t rate = channel_.interest().max_rate; rate > 0) {
    detour().pace = std::make_unique<Pace>(rate, hub.home_.clock.now(), [this] { on_pace(); });
  }
  if (start.gap) {
    put_gap(*start.gap, position_, start.asked);
  } else if (channel_.complete_since() <= position_) {
    go_live();
  }
}

Subscription::~Subscription() {
  stop_resting();
  if (rest_ == Rest::fetching) channel_.hub.counters_.fetching.sub();
  if (is_lagging_) channel_.hub.counters_.lagging.sub();
  --channel_.readers;
  channel_.hub.unsubscribed(channel_);
}

Subscription::Ready Subscription::ready(std::size_t max) {
  stop_resting();
  if (rest_ != Rest::none) return {};
  if (is_ahead_) {
    // What comes meanwhile is what it has had elsewhere.
    while (sequence_ < channel_.next() && sequence_ >= channel_.first() &&
           channel_.at(sequence_)->position <= position_) {
      ++sequence_;
    }
    is_ahead_ = channel_.hub.window_.last() < position_;
  }
  if (!is_lagging_ && sequence_ < channel_.first()) fall_behind();
  if (is_lagging_ && chosen_bytes() == 0) read_history();
  const bool must_pick = must_pick_from_ring();
  if (must_pick && chosen_bytes() == 0) pick_from_ring();
  std::size_t bytes = chosen_bytes();
  bool is_all = false;
  if (!is_lagging_ && bytes < max && !must_pick) {
    bytes += channel_.bytes_from(sequence_);
    is_all = bytes <= max && pace() == nullptr;
  }
  if (bytes == 0 && rest_ == Rest::none) {
    // What a rate held back is there, though its time may have come since that was looked at.
    if (allowance() == 0 || (pace() != nullptr && must_pick_from_ring())) {
      rest(Rest::paced);
    } else {
      rest(is_lagging_ ? Rest::scanning : Rest::waiting);
    }
  }
  return {.bytes = std::min(bytes, max), .is_all = is_all};
}

/// Events are not simply taken from the ring one after the other: a rate bounds them, or the reader
/// is slow and some topics' events may stand for older ones.
bool Subscription::must_pick_from_ring() const {
  if (is_lagging_ || sequence_ == channel_.next()) return false;
  const Hub& hub = channel_.hub;
  return pace() != nullptr || (hub.rules_.has_policies() && fresh_turn_ != hub.turn_);
}

void Subscription::take(std::span<std::byte> out) {
  if (out.empty()) return;
  out = take_begun(out);
  out = take_page(out);
  out = take_ring(out);
  SLUICE_ASSERT(out.empty(), "more was taken of a subscription than it had ready");
  if (!is_page_empty() && detour_->next == detour_->page.size()) finish_page();
  const bool has_all = !is_lagging_ && sequence_ == channel_.next() && begun_ == nullptr &&
                       is_page_empty() && pace() == nullptr;
  if (has_all) rest(Rest::waiting);
}

/// Copies what `out` has room for; true when that was the rest of it.
bool Subscription::copy(const sse::Event& event, std::span<std::byte>& out) {
  const std::string& wire = event.wire;
  const std::size_t n = std::min(out.size(), wire.size() - offset_);
  std::memcpy(out.data(), wire.data() + offset_, n);
  out = out.subspan(n);
  if (offset_ + n < wire.size()) {
    offset_ += static_cast<std::uint32_t>(n);
    return false;
  }
  offset_ = 0;
  position_ = event.position;
  if (event.topics.empty()) {  // A gap event.
    if (gaps_ != std::numeric_limits<std::uint16_t>::max()) ++gaps_;
    return true;
  }
  channel_.hub.counters_.deliveries.add();
  if (taken_ != std::numeric_limits<std::uint32_t>::max()) ++taken_;
  return true;
}

std::span<std::byte> Subscription::take_begun(std::span<std::byte> out) {
  if (begun_ != nullptr && copy(*begun_, out)) begun_.reset();
  return out;
}

std::span<std::byte> Subscription::take_page(std::span<std::byte> out) {
  if (is_page_empty()) return out;
  const std::size_t before = out.size();
  while (!out.empty() && detour_->next < detour_->page.size()) {
    if (copy(*detour_->page[detour_->next], out)) ++detour_->next;
  }
  detour_->bytes -= before - out.size();
  return out;
}

std::span<std::byte> Subscription::take_ring(std::span<std::byte> out) {
  while (!out.empty()) {
    const sse::EventPtr& event = channel_.at(sequence_++);
    if (!copy(*event, out)) begun_ = event;
  }
  return out;
}

void Subscription::finish_page() {
  detour_->page.clear();
  detour_->next = 0;
  position_ = std::max(position_, std::exchange(detour_->through, Position(0)));
  leave_detour();
}

Subscription::Detour& Subscription::detour() {
  if (detour_ == nullptr) detour_ = std::make_unique<Detour>();
  return *detour_;
}

/// Lets go of what a live reader has no more need of.
void Subscription::leave_detour() {
  if (detour_ == nullptr || is_lagging_ || !detour_->page.empty()) return;
  const bool is_over =
      detour_->dropped == 0 && detour_->pace == nullptr && detour_->told_missing <= position_;
  if (is_over) detour_.reset();
}

Position Subscription::told_missing() const {
  return detour_ == nullptr ? Position(0) : detour_->told_missing;
}

std::size_t Subscription::chosen_bytes() const {
  const std::size_t begun = begun_ == nullptr ? 0 : begun_->wire.size() - offset_;
  return begun + (detour_ == nullptr ? 0 : detour_->bytes);
}

std::size_t Subscription::rest_of_event() const {
  if (offset_ == 0) return 0;
  const sse::Event& event = begun_ != nullptr ? *begun_ : *detour_->page[detour_->next];
  return event.wire.size() - offset_;
}

std::uint64_t Subscription::behind() const {
  const std::uint64_t chosen =
      (begun_ != nullptr ? 1U : 0U) + (is_page_empty() ? 0U : detour_->page.size() - detour_->next);
  if (is_in_ring()) return chosen + (channel_.next() - sequence_);
  // Who waits for a turn to end has had what came before it.
  const Position last = channel_.hub.window_.last();
  return std::max(chosen, last > position_ ? last.value() - position_.value() : 0);
}

std::uint64_t Subscription::waiting_bytes() const {
  return chosen_bytes() + (is_in_ring() ? channel_.bytes_from(sequence_) : 0);
}

void Subscription::go_live() {
  if (detour_ != nullptr && detour_->dropped > 0) put_dropped();
  sequence_ = channel_.sequence_behind(position_);
  is_lagging_ = false;
  was_live_ = true;
  channel_.hub.counters_.lagging.sub();
  leave_detour();
}

void Subscription::fall_behind() {
  is_lagging_ = true;
  channel_.hub.counters_.lagging.add();
  channel_.hub.counters_.fell_behind.add();
}

void Subscription::close(bool is_slow) {
  rest(Rest::closed);
  subscriber_.close(is_slow);
}

void Subscription::rest(Rest where) {
  rest_ = where;
  switch (where) {
    case Rest::waiting:
      channel_.waiting.push_back(*this);
      ++channel_.waiting_count;
      break;
    case Rest::scanning:
      channel_.hub.scanning_.push_back(*this);
      break;
    case Rest::held:
      channel_.hub.held_.push_back(*this);
      channel_.hub.counters_.held.add();
      break;
    case Rest::paced:
      pace()->wait(channel_.hub.home_.wheel);
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
    position_ = std::max(position_, channel_.hub.told_);
    fresh_turn_ = channel_.hub.turn_;
  }
  if (rest_ == Rest::held) channel_.hub.counters_.held.sub();
  if (rest_ == Rest::paced) pace()->stop_waiting();
  rest_ = Rest::none;
  unlink();
}

void Subscription::on_pace() {
  rest_ = Rest::none;
  subscriber_.wake();
}

}  // namespace sluice::hub
