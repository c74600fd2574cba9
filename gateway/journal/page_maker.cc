#include "gateway/journal/page_maker.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "gateway/journal/tables.h"

namespace sluice::journal {

PageMaker::PageMaker(Txn& txn, const Query& query, EventAt event_at, WallTime now)
    : txn_(txn), query_(query), event_at_(std::move(event_at)), now_(now) {}

Page PageMaker::make(const State& state, std::uint64_t seed) {
  const std::uint64_t after = query_.after.value();
  end_ = std::max(after, std::min(query_.through.value(), state.last));
  through_ = after;
  std::vector<std::uint64_t> topics;
  for (const std::string& topic : query_.topics) topics.push_back(hash_of(topic, seed));
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());

  if (state.evicted > after) {
    through_ = std::min(state.evicted, end_);
    note_missing(through_);
  }
  if (through_ < end_) {
    if (topics.empty()) {
      read_all(through_);
    } else {
      read_topics(through_, topics);
    }
  }
  note_marks(state, topics);
  page_.through = sse::Position(through_);
  page_.missing = sse::Position(missing_);
  return std::move(page_);
}

void PageMaker::note_missing(std::uint64_t position) {
  missing_ = std::max(missing_, position);
}

bool PageMaker::look_at(std::uint64_t position, std::optional<std::string_view> record) {
  if (looks_ >= std::max<std::size_t>(query_.max_looks, 1)) return false;
  ++looks_;
  sse::EventPtr event = event_at_(position, record);
  if (!event) {
    note_missing(position);
  } else if (!event->is_expired(now_) && (!query_.wants || query_.wants(*event))) {
    const std::size_t size = event->wire.size();
    const bool is_full =
        page_.events.size() >= query_.max_events || bytes_ + size > query_.max_bytes;
    if (is_full && !page_.events.empty()) {
      through_ = position - 1;
      return false;
    }
    bytes_ += size;
    page_.events.push_back(std::move(event));
  }
  through_ = position;
  return true;
}

void PageMaker::read_all(std::uint64_t after) {
  Cursor cursor(txn_, Table::events);
  std::uint64_t expected = after + 1;
  for (bool has = cursor.seek(expected); has && cursor.key() <= end_; has = cursor.next()) {
    const std::uint64_t position = cursor.key();
    if (!look_at(position, cursor.value())) break;
    if (position != expected) note_missing(position - 1);
    expected = position + 1;
  }
  const bool is_through = !cursor.seek(through_ + 1) || cursor.key() > end_;
  if (!is_through) {
    // It ended early; what is between the last look and there is not there.
    if (through_ >= expected) note_missing(through_);
    return;
  }
  if (through_ < end_) note_missing(end_);
  through_ = end_;
}

void PageMaker::read_topics(std::uint64_t after, const std::vector<std::uint64_t>& topics) {
  using Head = std::pair<std::uint64_t, std::size_t>;  // A position, and whose next one it is.
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  std::vector<Cursor> cursors;
  cursors.reserve(topics.size());
  for (const std::uint64_t topic : topics) {
    Cursor cursor(txn_, Table::topics);
    if (!cursor.seek_in(topic, after + 1)) continue;
    heads.emplace(cursor.member(), cursors.size());
    cursors.push_back(std::move(cursor));
  }
  std::uint64_t before = after;
  while (!heads.empty() && heads.top().first <= end_) {
    const auto [position, index] = heads.top();
    heads.pop();
    if (position != before && !look_at(position, std::nullopt)) return;
    before = position;
    if (cursors[index].next_in()) heads.emplace(cursors[index].member(), index);
  }
  through_ = end_;
}

void PageMaker::note_marks(const State& state, const std::vector<std::uint64_t>& topics) {
  const std::uint64_t after = query_.after.value();
  if (topics.empty() || through_ <= after) return;
  if (state.folded > after) note_missing(std::min(state.folded, through_));
  for (const std::uint64_t topic : topics) {
    const auto bytes = txn_.get(Table::figures, topic);
    const auto its = bytes ? unseal<TopicFigures>(*bytes) : std::nullopt;
    if (!its || its->missing_last <= after || its->missing_first > through_) continue;
    note_missing(std::min(its->missing_last, through_));
  }
}

}  // namespace sluice::journal
