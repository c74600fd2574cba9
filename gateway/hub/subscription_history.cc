/// What a Subscription reads that is not simply next in its ring: history, and choices among
/// events.

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gateway/hub/hub.h"
#include "gateway/hub/subscription.h"
#include "gateway/sse/event_id.h"

namespace sluice::hub {

using sse::GapReason;
using sse::Position;

namespace {
// A page is what one flush can carry; more would only pin events for a reader that takes none.
constexpr std::size_t kPageBytes = 16_KiB;
constexpr std::size_t kPageEvents = 128;
}  // namespace

/// Fills the page from history, or finds that the ring holds all there is.
void Subscription::read_history() {
  if (channel_.complete_since() <= position_) {
    go_live();
    return;
  }
  const Window& window = channel_.hub.window_;
  if (const Position oldest = channel_.hub.oldest(); position_ < oldest) {
    put_gap(GapReason::evicted, oldest, sse::make_id(channel_.hub.home_.epoch, position_));
    return;
  }
  if (allowance() == 0) return;
  if (position_ < window.evicted()) {
    channel_.hub.may_replay_ ? fetch(window.evicted()) : rest(Rest::held);
    return;
  }
  if (const Position removed = removed_by_rules(); removed > std::max(position_, told_missing())) {
    detour().told_missing = removed;
    put_gap(GapReason::evicted, position_, sse::make_id(channel_.hub.home_.epoch, position_));
    return;
  }
  collect_page();
  if (rest_ == Rest::none && is_page_empty() && channel_.complete_since() <= position_) go_live();
}

void Subscription::collect_page() {
  const Window& window = channel_.hub.window_;
  const WallTime now = channel_.hub.home_.clock.wall();
  const bool is_exact = channel_.interest().is_exact();
  // An event costs as much as there are selectors to hold it against.
  const std::size_t cost = channel_.cost;
  std::size_t allowed = std::min(allowance(), kPageEvents);
  for (Position at = position_; at < window.last() && channel_.hub.scan_budget_ > 0;) {
    channel_.hub.scan_budget_ -= std::min(cost, channel_.hub.scan_budget_);
    at = is_exact ? next_wanted(at) : at.next();
    if (at == Position(0)) at = window.last();
    const sse::EventPtr& event = window.at(at);
    const bool is_wanted =
        event != nullptr && channel_.interest().wants(*event) && !event->is_expired(now);
    const Verdict verdict = is_wanted ? judge(*event) : Verdict::skip;
    if (verdict == Verdict::close) {
      close(true);
      return;
    }
    if (verdict == Verdict::take) {
      put_on_page(event);
      if (detour_->bytes >= kPageBytes || --allowed == 0) return;
    } else {
      move_on(at);  // Looked at, and not for this reader.
    }
  }
}

/// Of a reader whose next event is in the ring, but who is not to have all of them.
void Subscription::pick_from_ring() {
  std::size_t allowed = std::min(allowance(), kPageEvents);
  const bool conflates_all = pace() != nullptr;
  while (sequence_ < channel_.next() && allowed > 0 && chosen_bytes() < kPageBytes) {
    const sse::EventPtr event = channel_.at(sequence_++);
    const bool may_skip =
        conflates_all || channel_.hub.rules_.policy(event->topics.front()) == Policy::latest;
    if (may_skip && is_superseded(*event)) {
      channel_.hub.counters_.conflated.add();
      if (is_page_empty()) position_ = event->position;
      continue;
    }
    put_on_page(event);
    --allowed;
  }
}

Subscription::Verdict Subscription::judge(const sse::Event& event) {
  const Policy policy = channel_.hub.rules_.has_policies()
                            ? channel_.hub.rules_.policy(event.topics.front())
                            : Policy::replay;
  if ((policy == Policy::latest || pace() != nullptr) && is_superseded(event)) {
    channel_.hub.counters_.conflated.add();
    return Verdict::skip;
  }
  // Who comes back is given what it missed; only who was here and did not keep up is not.
  if (!was_live_ || event.position > channel_.complete_since()) return Verdict::take;
  if (policy == Policy::close) {
    channel_.hub.counters_.closed_slow.add();
    return Verdict::close;
  }
  if (policy == Policy::drop) {
    channel_.hub.counters_.dropped.add();
    Detour& own = detour();
    if (own.dropped++ == 0)
      own.dropped_after = own.page.empty() ? position_ : own.page.back()->position;
    return Verdict::skip;
  }
  return Verdict::take;
}

/// A newer event of the same topic and key will reach this reader.
bool Subscription::is_superseded(const sse::Event& event) const {
  const sse::EventPtr newest = channel_.hub.window_.newest_like(event);
  return newest != nullptr && newest->position > event.position &&
         !newest->is_expired(channel_.hub.home_.clock.wall()) && channel_.interest().wants(*newest);
}

/// The next event of any of the topics named, by the window's index; 0 when there is none.
Position Subscription::next_wanted(Position after) const {
  Position next(0);
  for (const Selector& topic : channel_.interest().topics) {
    const Position candidate = channel_.hub.window_.next_of_topic(topic.text(), after);
    if (candidate != Position(0) && (next == Position(0) || candidate < next)) next = candidate;
  }
  return next;
}

/// Where rules last removed something that this reader may have wanted.
Position Subscription::removed_by_rules() const {
  if (!channel_.may_miss_removed) return Position(0);
  if (!channel_.interest().is_exact()) return channel_.hub.window_.removed();
  Position removed(0);
  for (const Selector& topic : channel_.interest().topics) {
    removed = std::max(removed, channel_.hub.window_.removed_of_topic(topic.text()));
  }
  return removed;
}

void Subscription::fetch(Position through) {
  auto& alive = detour().alive;
  if (alive == nullptr) alive = std::make_shared<Subscription*>(this);
  journal::Query query{.after = position_, .through = through, .topics = {}, .wants = {}};
  query.max_events = std::min(allowance(), kPageEvents);
  query.max_bytes = kPageBytes;
  query.max_looks = std::max<std::size_t>(1, channel_.hub.options_.scan_events / channel_.cost);
  if (channel_.interest().is_exact()) {
    for (const Selector& topic : channel_.interest().topics) query.topics.push_back(topic.text());
  }
  query.wants = [interest = channel_.shared_interest()](const sse::Event& event) {
    return interest->wants(event);
  };
  rest(Rest::fetching);
  channel_.hub.counters_.fetching.add();
  channel_.hub.counters_.pages.add();
  channel_.hub.home_.history->read(
      std::move(query),
      [post = &channel_.hub.home_.post, alive = std::weak_ptr(alive)](Result<journal::Page> page) {
        // A task is copied; the page is not.
        (*post)([alive, page = std::make_shared<Result<journal::Page>>(std::move(page))] {
          if (const auto reader = alive.lock()) (*reader)->on_page(*page);
        });
      });
}

/// Takes the events out of `page`.
void Subscription::on_page(Result<journal::Page>& page) {
  rest_ = Rest::none;
  channel_.hub.counters_.fetching.sub();
  if (!page) {
    channel_.hub.counters_.page_errors.add();
    close(false);
    return;
  }
  channel_.hub.counters_.page_events.add(page->events.size());
  if (channel_.may_miss_removed && page->missing > std::max(position_, told_missing())) {
    detour().told_missing = page->missing;
    put_gap(GapReason::evicted, position_, sse::make_id(channel_.hub.home_.epoch, position_));
  }
  if (channel_.hub.rules_.has_policies() || pace() != nullptr) conflate(page->events);
  detour().page.reserve(detour_->page.size() + page->events.size());
  for (sse::EventPtr& event : page->events) {
    const Position at = event->position;
    const Verdict verdict = judge(*event);
    if (verdict == Verdict::close) {
      // What stands before it is read first; then history leads here again.
      if (is_page_empty()) close(true);
      if (rest_ != Rest::closed) subscriber_.wake();
      return;
    }
    if (verdict == Verdict::take) put_on_page(std::move(event));
    move_on(at);
  }
  move_on(page->through);
  subscriber_.wake();
}

/// Leaves out of a page what a later event of the page stands for: the window knows only of what is
/// newer than the page.
void Subscription::conflate(std::vector<sse::EventPtr>& events) {
  std::unordered_set<std::string> seen;
  const auto is_superseded_here = [&](const sse::EventPtr& event) {
    const std::string& topic = event->topics.front();
    if (pace() == nullptr && channel_.hub.rules_.policy(topic) != Policy::latest) return false;
    const bool is_newest = seen.insert(topic + '\0' + event->key).second;
    if (!is_newest) channel_.hub.counters_.conflated.add();
    return !is_newest;
  };
  // From the back, where the newest is.
  const auto kept = std::remove_if(events.rbegin(), events.rend(), is_superseded_here);
  events.erase(events.begin(), kept.base());
}

std::size_t Subscription::allowance() const {
  return pace() == nullptr ? std::numeric_limits<std::size_t>::max()
                           : pace()->tokens(channel_.hub.home_.clock.now());
}

void Subscription::put_on_page(sse::EventPtr event) {
  Detour& own = detour();
  if (own.dropped > 0) put_dropped();
  if (own.pace != nullptr) own.pace->spend(channel_.hub.home_.clock.now());
  own.bytes += event->wire.size();
  own.page.push_back(std::move(event));
}

void Subscription::move_on(Position at) {
  (is_page_empty() ? position_ : detour_->through) = at;
}

/// A gap event that carries `at` as its id: who comes back with that reads on from there.
void Subscription::put_gap(GapReason reason, Position at, std::string_view asked) {
  auto gap = std::make_shared<sse::Event>();
  gap->position = at;
  Detour& own = detour();
  gap->wire = sse::encode_gap(reason, sse::make_id(channel_.hub.home_.epoch, at), asked,
                              std::exchange(own.dropped, 0));
  own.bytes += gap->wire.size();
  own.page.push_back(std::move(gap));
  channel_.hub.counters_.gaps.add();
}

void Subscription::put_dropped() {
  const Detour& own = detour();
  const Position at = own.page.empty() ? position_ : own.page.back()->position;
  put_gap(GapReason::dropped, std::max(at, own.through),
          sse::make_id(channel_.hub.home_.epoch, own.dropped_after));
}

}  // namespace sluice::hub
