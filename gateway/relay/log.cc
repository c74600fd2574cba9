#include "gateway/relay/log.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/relay/failure.h"
#include "gateway/relay/stream_name.h"

namespace sluice::relay {
namespace {

constexpr std::size_t kTight = 16;  ///< This part of the bounds is left when there is no room.
constexpr Duration::rep kBusy = TimePoint::max().time_since_epoch().count();

}  // namespace

using sse::GapReason;

Log::Log(Setting setting, Account& account, std::shared_ptr<Bell> home)
    : setting_(std::move(setting)), account_(account), home_(std::move(home)), idle_since_(kBusy) {}

Log::~Log() {
  drop_all();
}

void Log::ring(const Watchers& views) {
  for (const Watcher& view : views) view.bell->ring();
}

void Log::open(std::shared_ptr<const http::Response> head) {
  Watchers views;
  {
    const std::lock_guard lock(mutex_);
    head_ = std::move(head);
    views = views_;
  }
  ring(views);
}

void Log::append(std::vector<ItemPtr>& items) {
  if (items.empty()) return;
  Watchers views;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) {
      items.clear();
      return;
    }
    for (ItemPtr& item : items) {
      memory_ += item->memory();
      account_.bytes += item->memory();
      if (!item->id.empty()) ids_.try_emplace(item->id, next_);
      const std::size_t size = item->wire.size();
      slots_.push_back({.item = std::move(item), .start = end_});
      end_ += size;
      ++next_;
      drop_surplus();
    }
    views = views_;
  }
  items.clear();
  ring(views);
}

std::size_t Log::bound(std::size_t configured) const {
  return std::max<std::size_t>(1, account_.is_tight ? configured / kTight : configured);
}

bool Log::must_drop() const {
  if (slots_.size() < 2) return false;
  const std::size_t events = bound(setting_.events);
  const std::size_t bytes = bound(setting_.bytes);
  if (slots_.size() <= events && bytes_from(first()) <= bytes) return false;
  if (!setting_.is_exclusive) return first() <= passed_;
  if (first() >= handed_) return false;  // By the last one's id he comes back.
  const std::uint64_t kept = bytes_from(first()) - bytes_from(handed_ + 1);
  return handed_ - first() + 1 > events / 2 || kept > bytes / 2;
}

bool Log::drop_surplus() {
  if (!must_drop()) return false;
  while (must_drop()) drop_first();
  return true;
}

void Log::drop_first() {
  const Item& item = *slots_.front().item;
  memory_ -= item.memory();
  account_.bytes -= item.memory();
  if (const auto found = ids_.find(item.id); found != ids_.end() && found->second == first()) {
    ids_.erase(found);
  }
  slots_.pop_front();
}

void Log::drop_all() {
  account_.bytes -= memory_;
  memory_ = 0;
  ids_.clear();
  slots_.clear();
}

std::uint64_t Log::bytes_from(std::uint64_t number) const {
  if (number >= next_) return 0;
  return end_ - slot(number).start;
}

void Log::finish(End end, Parting parting) {
  Watchers views;
  {
    const std::lock_guard lock(mutex_);
    if (how_ != End::none) return;
    how_ = end;
    parting_ = std::move(parting);
    views = views_;
  }
  ring(views);
}

Log::Room Log::room() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t had = std::min(setting_.is_exclusive ? handed_ : passed_, next_ - 1);
  const std::uint64_t unread = next_ - 1 - had;
  const std::uint64_t unread_bytes = bytes_from(std::max(had + 1, first()));
  const std::uint64_t events = std::max<std::size_t>(1, bound(setting_.events) / 2);
  const std::uint64_t bytes = std::max<std::size_t>(1, bound(setting_.bytes) / 2);
  const Room room{.events = static_cast<std::size_t>(events - std::min(unread, events)),
                  .bytes = static_cast<std::size_t>(bytes - std::min(unread_bytes, bytes))};
  wants_room_ = room.is_none();
  return room;
}

std::size_t Log::readers() const {
  const std::lock_guard lock(mutex_);
  return readers_;
}

std::size_t Log::bytes() const {
  const std::lock_guard lock(mutex_);
  return memory_;
}

bool Log::holds(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return ids_.contains(id);
}

std::uint64_t Log::next() const {
  const std::lock_guard lock(mutex_);
  return next_;
}

bool Log::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

bool Log::was_handed() const {
  const std::lock_guard lock(mutex_);
  return handed_ > 0;
}

bool Log::close(bool only_if_idle, End how) {
  Watchers views;
  {
    const std::lock_guard lock(mutex_);
    if (only_if_idle && readers_ > 0) return false;
    is_closed_ = true;
    if (how_ == End::none) {
      how_ = how;
      parting_ = head_ == nullptr ? no_such_stream() : parting_of(Failure::closed, {});
    }
    if (readers_ == 0) drop_all();
    views = views_;
  }
  ring(views);
  home_->ring();
  return true;
}

std::optional<std::uint64_t> Log::find(std::string_view id, GapReason& reason) const {
  const auto ours = parse_event_id(id);
  if (ours && setting_.has_names && ours->stream == setting_.name) {
    if (ours->number >= next_) return std::nullopt;
    reason = GapReason::evicted;
    if (ours->number + 1 < first()) return std::nullopt;
    return ours->number;
  }
  const auto found = ids_.find(id);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::optional<Place> Log::join(const Wish& wish) {
  Watchers views;
  std::optional<Place> place;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return std::nullopt;
    place.emplace();
    place->serial = ++serial_;
    GapReason reason = GapReason::unknown;
    const auto found = wish.last_event_id.empty() ? std::nullopt : find(wish.last_event_id, reason);
    const bool from_start = wish.from_start || setting_.is_exclusive;
    if (found) {
      place->after = *found;
      place->is_resumed = true;
    } else {
      if (!wish.last_event_id.empty()) {
        place->gap = reason;
      } else if (from_start && first() > 1) {
        place->gap = GapReason::evicted;
      }
      if (place->gap) place->gap_behind = wish.last_event_id;
      place->after = first() - 1;
      if (!from_start) place_late(wish, *place);
    }
    if (setting_.is_exclusive) {
      if (readers_ > 0) taken_over_ = wish.now;
      handed_ = place->after;
      readers_ = 1;
      views = views_;  // The former reader has to go.
    } else {
      ++readers_;
    }
    idle_since_.store(kBusy, std::memory_order_relaxed);
  }
  ring(views);
  home_->ring();
  return place;
}

void Log::place_late(const Wish& wish, Place& place) const {
  place.after = next_ - 1;
  if (wish.late == LateJoiner::none) return;
  std::unordered_set<std::string_view> types;
  std::size_t events = 0;
  for (auto slot = slots_.rbegin(); slot != slots_.rend(); ++slot) {
    const Item& item = *slot->item;
    if (!item.is_event) continue;
    if (wish.late == LateJoiner::events && events++ == wish.late_events) break;
    if (wish.late == LateJoiner::types && !types.insert(item.type).second) continue;
    place.page.push_back(slot->item);
  }
  std::reverse(place.page.begin(), place.page.end());
}

void Log::leave(std::uint64_t serial, TimePoint now) {
  {
    const std::lock_guard lock(mutex_);
    if (setting_.is_exclusive && serial != serial_) return;  // Somebody has taken it over.
    SLUICE_ASSERT(readers_ > 0, "a reader left a log twice");
    if (--readers_ > 0) return;
    idle_since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    if (is_closed_) drop_all();
  }
  home_->ring();
}

void Log::handed(std::uint64_t serial, std::uint64_t number, TimePoint now) {
  {
    const std::lock_guard lock(mutex_);
    if (serial != serial_ || number <= handed_) return;
    for (std::uint64_t each = std::max(handed_ + 1, first()); each <= number; ++each) {
      slot(each).handed = now;
    }
    handed_ = number;
    // What went may be what the process had to get rid of: the Source looks.
    const bool is_lighter = account_.is_tight && drop_surplus();
    if (!std::exchange(wants_room_, false) && !is_lighter) return;
  }
  home_->ring();
}

bool Log::may_be_back(std::string_view id, TimePoint since) const {
  const std::lock_guard lock(mutex_);
  const auto found = ids_.find(id);
  if (found == ids_.end() || found->second > handed_ || taken_over_ >= since) return false;
  return found->second == handed_ || slot(found->second + 1).handed >= since;
}

void Log::trim() {
  const std::lock_guard lock(mutex_);
  drop_surplus();
}

void Log::relax() {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(wants_room_, false)) return;
  }
  home_->ring();
}

std::string Log::id_behind(std::uint64_t number) const {
  return setting_.has_names ? make_event_id(setting_.name, number) : std::string();
}

void Log::told_end(std::uint64_t serial) {
  const std::lock_guard lock(mutex_);
  if (serial == serial_) is_end_told_ = true;
}

bool Log::is_end_told() const {
  const std::lock_guard lock(mutex_);
  return is_end_told_;
}

bool Log::is_at_end(std::string_view last_event_id) const {
  const std::lock_guard lock(mutex_);
  GapReason reason = GapReason::unknown;
  return how_ != End::none && find(last_event_id, reason) == next_ - 1;
}

std::uint64_t Log::add_view(std::shared_ptr<Bell> bell) {
  const std::lock_guard lock(mutex_);
  views_.push_back({.bell = std::move(bell), .passed = next_ - 1});
  note_passed();
  return next_;
}

void Log::remove_view(const std::shared_ptr<Bell>& bell) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(views_, [&](const Watcher& view) { return view.bell == bell; });
    if (!note_passed()) return;
  }
  home_->ring();
}

void Log::passed(const std::shared_ptr<Bell>& bell, std::uint64_t number) {
  {
    const std::lock_guard lock(mutex_);
    for (Watcher& view : views_) {
      if (view.bell == bell) view.passed = number;
    }
    if (!note_passed()) return;
  }
  home_->ring();
}

bool Log::note_passed() {
  if (setting_.is_exclusive) return false;
  const std::uint64_t before = std::exchange(passed_, UINT64_MAX);
  for (const Watcher& view : views_) passed_ = std::min(passed_, view.passed);
  return passed_ > before && std::exchange(wants_room_, false);
}

Log::News Log::news(std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  News news{.items = {},
            .from = std::max(from, first()),
            .head = head_,
            .end = how_,
            .parting = parting_,
            .owner = serial_};
  if (news.from > next_) news.from = next_;
  news.items.reserve(static_cast<std::size_t>(next_ - news.from));
  for (std::uint64_t number = news.from; number < next_; ++number) {
    news.items.push_back(slot(number).item);
  }
  return news;
}

}  // namespace sluice::relay
