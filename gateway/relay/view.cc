#include "gateway/relay/view.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "gateway/base/assert.h"

namespace sluice::relay {

View::View(std::shared_ptr<Log> log, std::shared_ptr<Door> door, const Clock& clock, Pulled& pulled)
    : log_(std::move(log)),
      clock_(clock),
      pulled_(pulled),
      bell_(std::make_shared<Bell>(std::move(door))) {
  bell_->belong_to(this);
  first_ = fresh_ = told_ = log_->add_view(bell_);
  passed_ = first_ - 1;
  pull();
}

View::~View() {
  SLUICE_ASSERT(readers_.empty(), "a view was destroyed before its readers");
  bell_->belong_to(nullptr);
  log_->remove_view(bell_);
}

void View::pull() {
  if (waiting_count_ == readers_count_) clear();
  const End was = end_;
  const bool had_head = head_ != nullptr;
  Log::News news = log_->news(next());
  // It was closed, and has let go of what comes between.
  if (news.from > next()) {
    clear();
    first_ = news.from;
  }
  if (!news.items.empty() && !log_->setting().is_exclusive && !is_linked()) {
    pulled_.push_back(*this);
  }
  fresh_ = next();
  take_in(news.items);
  head_ = std::move(news.head);
  end_ = news.end;
  parting_ = std::move(news.parting);
  trim();
  tell(news.owner, was != end_ || had_head != (head_ != nullptr));
}

void View::take_in(std::vector<ItemPtr>& items) {
  for (ItemPtr& item : items) {
    const std::size_t size = item->wire.size();
    slots_.push_back({std::move(item), end_bytes_});
    end_bytes_ += size;
  }
}

void View::reach_back(std::uint64_t number) {
  if (number >= first_) return;
  const std::uint64_t known = next();
  Log::News news = log_->news(number);
  if (news.from >= known) return;
  news.items.resize(static_cast<std::size_t>(known - news.from));
  clear();
  first_ = news.from;
  take_in(news.items);
}

/// The bounds of a shared log hold here, too, for what readers had a turn to take; an exclusive
/// one's are kept by its Source.
void View::trim() {
  const Log::Setting& setting = log_->setting();
  if (setting.is_exclusive) return;
  while (first_ <= passed_ && (next() - first_ > setting.events ||
                               (next() - first_ > 1 && bytes_from(first_) > setting.bytes))) {
    slots_[dropped_].item.reset();
    ++dropped_;
    ++first_;
  }
  if (dropped_ * 2 < slots_.size() || dropped_ == 0) return;
  slots_.erase(slots_.begin(), std::next(slots_.begin(), static_cast<std::ptrdiff_t>(dropped_)));
  dropped_ = 0;
}

void View::clear() {
  constexpr std::size_t kKept = 64;
  first_ = next();
  dropped_ = 0;
  if (slots_.capacity() > kKept) {
    slots_ = {};
  } else {
    slots_.clear();
  }
}

void View::tell(std::uint64_t owner, bool has_state_changed) {
  if (log_->setting().is_exclusive) {
    readers_.for_each([owner](Reader& reader) {
      if (reader.serial_ == owner || reader.is_out_) return;
      reader.stop_resting();
      reader.is_out_ = true;
      reader.owner_.on_superseded();
    });
  }
  if (has_state_changed) {
    readers_.for_each([](Reader& reader) {
      reader.stop_resting();
      if (!reader.is_out_) reader.owner_.on_news();
    });
    return;
  }
  if (std::exchange(told_, next()) == next()) return;
  waiting_.for_each([](Reader& reader) {
    reader.stop_resting();
    reader.owner_.on_news();
  });
}

const ItemPtr& View::at(std::uint64_t number) const {
  SLUICE_ASSERT(number >= first_ && number < next(), "that event is not in the view");
  return slots_[dropped_ + static_cast<std::size_t>(number - first_)].item;
}

std::uint64_t View::bytes_from(std::uint64_t number) const {
  if (number >= next()) return 0;
  return end_bytes_ - slots_[dropped_ + static_cast<std::size_t>(number - first_)].start;
}

Reader::Reader(View& view, ReaderOwner& owner, Place place, SlowReader slow,
               RouteCounters& counters)
    : view_(view),
      owner_(owner),
      counters_(counters),
      serial_(place.serial),
      next_(place.after + 1),
      handed_(place.after),
      slow_(slow) {
  ++view_.readers_count_;
  view_.readers_.push_back(*this);
  counters_.readers.add();
  if (place.gap) put_gap(*place.gap, place.after, place.gap_behind, 0);
  for (ItemPtr& item : place.page) put(std::move(item));
  view_.reach_back(next_);
}

Reader::~Reader() {
  stop_resting();
  --view_.readers_count_;
  counters_.readers.sub();
  view_.log_->leave(serial_, view_.clock_.now());
}

bool Reader::is_at_end() const {
  return view_.end_ != End::none && chosen_bytes() == 0 && next_ >= view_.next();
}

void Reader::told_end() {
  view_.log_->told_end(serial_);
}

Reader::Ready Reader::ready(std::size_t max) {
  stop_resting();
  if (is_out_) return {};
  if (chosen_bytes() == 0) choose();
  if (is_out_) return {};
  std::size_t bytes = chosen_bytes();
  bool is_all = false;
  if (bytes < max && next_ >= view_.first_) {
    bytes += static_cast<std::size_t>(view_.bytes_from(next_));
    is_all = bytes <= max;
  }
  if (bytes == 0) rest();
  return {.bytes = std::min(bytes, max), .is_all = is_all};
}

void Reader::take(std::span<std::byte> out) {
  if (out.empty()) return;
  if (begun_ != nullptr && copy(*begun_, out)) begun_.reset();
  if (page_ != nullptr) {
    const std::size_t before = out.size();
    while (!out.empty() && page_->next < page_->items.size()) {
      if (copy(*page_->items[page_->next], out)) ++page_->next;
    }
    page_->bytes -= before - out.size();
    if (page_->next == page_->items.size()) page_.reset();
  }
  while (!out.empty()) {
    const ItemPtr& item = view_.at(next_++);
    if (!copy(*item, out)) begun_ = item;
  }
  const std::uint64_t whole = next_ - (begun_ == nullptr ? 1 : 2);
  if (whole > handed_ && view_.log_->setting().is_exclusive) {
    handed_ = whole;
    view_.log_->handed(serial_, whole, view_.clock_.now());
  }
  if (next_ == view_.next() && chosen_bytes() == 0) rest();
}

bool Reader::copy(const Item& item, std::span<std::byte>& out) {
  const std::size_t n = std::min(out.size(), item.wire.size() - offset_);
  std::memcpy(out.data(), item.wire.data() + offset_, n);
  out = out.subspan(n);
  if (offset_ + n < item.wire.size()) {
    offset_ += static_cast<std::uint32_t>(n);
    return false;
  }
  offset_ = 0;
  if (item.is_event) ++(item.type == "gap" ? gaps_ : taken_);
  return true;
}

std::uint64_t Reader::behind() const {
  const std::uint64_t chosen =
      (begun_ == nullptr ? 0U : 1U) + (page_ == nullptr ? 0U : page_->items.size() - page_->next);
  return chosen + (view_.next() > next_ ? view_.next() - next_ : 0);
}

std::uint64_t Reader::waiting_bytes() const {
  return chosen_bytes() + view_.bytes_from(std::max(next_, view_.first_));
}

std::size_t Reader::chosen_bytes() const {
  const std::size_t begun = begun_ == nullptr ? 0 : begun_->wire.size() - offset_;
  return begun + (page_ == nullptr ? 0 : page_->bytes);
}

std::size_t Reader::rest_of_event() const {
  if (offset_ == 0) return 0;
  const Item& item = begun_ != nullptr ? *begun_ : *page_->items[page_->next];
  return item.wire.size() - offset_;
}

/// Looks whether it simply reads on.
void Reader::choose() {
  if (next_ < view_.first_) fall_behind();
  const bool is_behind = next_ < view_.fresh_ && !view_.log_->setting().is_exclusive;
  if (slow_ == SlowReader::latest && is_behind) pick_newest();
}

void Reader::fall_behind() {
  const std::uint64_t missed = view_.first_ - next_;
  const std::string behind = view_.log_->id_behind(next_ - 1);
  if (slow_ == SlowReader::close) {
    is_out_ = true;
    owner_.on_too_slow();
    return;
  }
  if (slow_ == SlowReader::drop) {
    // What is newest, and that is the last event.
    const std::uint64_t newest = std::max(view_.first_, view_.next() - 1);
    put_gap(sse::GapReason::dropped, newest - 1, behind, newest - next_);
    next_ = newest;
    return;
  }
  // With `latest` all that is held will be looked through.
  put_gap(sse::GapReason::evicted, view_.first_ - 1, behind, missed);
  next_ = view_.first_;
}

void Reader::pick_newest() {
  std::unordered_set<std::string_view> types;
  std::vector<ItemPtr> newest;
  for (std::uint64_t number = view_.next(); number > next_; --number) {
    const ItemPtr& item = view_.at(number - 1);
    if (!item->is_event || types.insert(item->type).second) newest.push_back(item);
  }
  std::for_each(newest.rbegin(), newest.rend(), [this](ItemPtr& item) { put(std::move(item)); });
  next_ = view_.next();
}

void Reader::put(ItemPtr item) {
  if (page_ == nullptr) page_ = std::make_unique<Page>();
  page_->bytes += item->wire.size();
  page_->items.push_back(std::move(item));
}

/// Between the id `behind` and the event `at`, which the gap takes the id of.
void Reader::put_gap(sse::GapReason reason, std::uint64_t at, std::string_view behind,
                     std::uint64_t missed) {
  put(std::make_shared<const Item>(
      Item{.wire = sse::encode_gap(reason, view_.log_->id_behind(at), behind, missed),
           .id = {},
           .type = "gap"}));
  counters_.gaps.add();
}

void Reader::rest() {
  if (is_waiting_) return;
  is_waiting_ = true;
  view_.waiting_.push_back(*this);
  ++view_.waiting_count_;
}

void Reader::stop_resting() {
  if (!is_waiting_) return;
  is_waiting_ = false;
  --view_.waiting_count_;
  ListHook<ViewWaitingTag>::unlink();
}

}  // namespace sluice::relay
