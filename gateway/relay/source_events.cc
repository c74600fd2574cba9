// Source: what becomes of the events that it reads.

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/relay/source.h"
#include "gateway/relay/stream_name.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {
namespace {

constexpr std::size_t kLongestId = 200;       ///< That clients are asked to send back.
constexpr std::size_t kLongestOwnId = 4'000;  ///< That the upstream is.

bool can_come_back(const std::string& id, std::size_t longest = kLongestId) {
  return !id.empty() && sse::check_text("id", id, longest).has_value();
}

}  // namespace

std::string Source::next_id() const {
  return make_event_id(log_->setting().name, next_);
}

std::string Source::last_id() const {
  if (!is_named()) return sticky_id_;
  return next_ > 1 ? make_event_id(log_->setting().name, next_ - 1) : std::string();
}

void Source::add(Item item) {
  ++next_;
  made_ += item.wire.size();
  batch_.push_back(std::make_shared<const Item>(std::move(item)));
}

void Source::flush() {
  if (batch_.empty()) return;
  log_->append(batch_);
  setting_.sources.relieve(*log_);
  note_memory();
}

void Source::note_memory() {
  const std::size_t memory = log_->bytes();
  setting_.route.counters.replay_bytes.add(static_cast<std::int64_t>(memory) -
                                           static_cast<std::int64_t>(noted_memory_));
  noted_memory_ = memory;
}

bool Source::may_keep(const sse::Message& message) {
  if (!message.has_own_id || !can_come_back(message.id)) return false;
  flush();  // Those of this batch count, too.
  return !log_->holds(message.id);
}

void Source::note_id(const std::string& id) {
  sticky_id_ = id;
  upstream_id_ = can_come_back(id, kLongestOwnId) ? id : std::string();
}

void Source::on_message(sse::Message message) {
  // It was asked to go on behind an id and knows none: it has begun anew.
  if (std::exchange(must_resume_, false) && is_named() && !message.has_own_id) {
    add_gap(sse::GapReason::unknown, upstream_id_, 0);
  }
  has_events_ = true;
  if (message.has_own_id) note_id(message.id);
  Item item;
  item.type = message.type;
  if (is_named()) {
    const bool is_kept = may_keep(message);
    const std::string id = is_kept ? message.id : next_id();
    item.wire = sse::encode({.id = id, .type = message.type, .data = message.data, .retry = {}});
    if (is_kept) item.id = std::move(message.id);
  } else {
    has_had_id_ = has_had_id_ || !sticky_id_.empty();
    // One that is too long to be repeated stands at its own event alone.
    const bool says_id = message.has_own_id || sticky_id_.size() <= kLongestId;
    item.wire = sse::encode({.id = says_id ? sticky_id_ : std::string(),
                             .type = message.type,
                             .data = message.data,
                             .retry = {},
                             .resets_id = says_id && has_had_id_});
    if (message.has_own_id && can_come_back(message.id)) item.id = std::move(message.id);
  }
  add(std::move(item));
}

void Source::on_retry(Millis retry) {
  const RouteOptions& route = setting_.route.options;
  const Millis clamped =
      std::clamp(retry, route.min_retry, std::max(route.min_retry, route.max_retry));
  if (std::exchange(retry_, clamped) == clamped && has_told_retry_) return;
  has_told_retry_ = true;
  log_->set_retry(clamped);
  add({.wire = sse::retry_line(clamped), .id = {}, .type = {}, .is_event = false});
}

void Source::on_lone_id(const std::string& id) {
  must_resume_ = false;
  note_id(id);
  if (is_named()) return;  // Its readers have ids of each event.
  has_had_id_ = has_had_id_ || !id.empty();
  if (!has_had_id_) return;
  Item item{.wire = id.empty() ? "id\n\n" : "id: " + id + "\n\n",
            .id = {},
            .type = {},
            .is_event = false};
  if (can_come_back(id)) item.id = id;
  add(std::move(item));
}

void Source::on_overflow() {
  const std::string behind = last_id();
  if (parser_->last_id() != sticky_id_ && !parser_->last_id().empty()) {
    must_resume_ = false;
    note_id(parser_->last_id());
  }
  add_gap(sse::GapReason::dropped, behind, 1);
}

void Source::add_gap(sse::GapReason reason, std::string_view behind, std::uint64_t missed) {
  setting_.route.counters.gaps.add();
  has_had_id_ = has_had_id_ || !sticky_id_.empty();
  add({.wire = sse::encode_gap(reason, is_named() ? next_id() : sticky_id_, behind, missed),
       .id = {},
       .type = "gap"});
}

}  // namespace sluice::relay
