#include "gateway/server/logged_answer.h"

#include <algorithm>
#include <utility>

namespace sluice::server {

LoggedAnswer::LoggedAnswer(const Setting& setting, const http::Request& request,
                           http::Exchange& exchange)
    : setting_(setting),
      outer_(exchange),
      request_(request, exchange, setting.trusted),
      begun_(setting.loop.now()) {}

LoggedAnswer::~LoggedAnswer() {
  outcome_.stage = is_stream_ ? AccessOutcome::Stage::stream_end : AccessOutcome::Stage::request;
  outcome_.duration = setting_.loop.now() - begun_;
  if (inner_ != nullptr && is_stream_) {
    // Who was sent away for want of memory has let go of his place.
    const http::Progress seen = outcome_.progress;
    outcome_.progress = inner_->progress();
    outcome_.progress.events = std::max(outcome_.progress.events, seen.events);
    outcome_.progress.gaps = std::max(outcome_.progress.gaps, seen.gaps);
    note_wait();
  }
  inner_.reset();  // It may say something yet.
  outcome_.ending = how_it_ended();
  if (outcome_.status == 0 && outcome_.ending == http::Ending::timeout) outcome_.status = 408;
  write(outcome_);
}

/// What an answer says of its end counts if that is how it ended.
http::Ending LoggedAnswer::how_it_ended() const {
  const http::Ending seen = outer_.ending();
  const bool is_its_own = seen == http::Ending::complete || seen == http::Ending::aborted;
  return is_its_own && account_.ending != http::Ending::none ? account_.ending : seen;
}

void LoggedAnswer::write(const AccessOutcome& outcome) {
  setting_.log.add(access_line(setting_.log.format(), setting_.loop.clock().wall(), request_,
                               account_, outcome));
}

void LoggedAnswer::respond(http::Response head, http::Kind kind,
                           std::optional<std::uint64_t> content_length) {
  outcome_.status = head.status;
  outcome_.first_byte = setting_.loop.now() - begun_;
  is_stream_ = kind == http::Kind::event_stream;
  outer_.respond(std::move(head), kind, content_length);
  if (!is_stream_) return;
  AccessOutcome start = outcome_;
  start.stage = AccessOutcome::Stage::stream_start;
  write(start);
}

void LoggedAnswer::wake() {
  if (waits_since_ == TimePoint::max()) waits_since_ = setting_.loop.now();
  outer_.wake();
}

void LoggedAnswer::wake_soon() {
  if (waits_since_ == TimePoint::max()) waits_since_ = setting_.loop.now();
  outer_.wake_soon();
}

http::Answer::Ready LoggedAnswer::ready(std::size_t max) {
  const Ready ready = inner_->ready(max);
  offered_ = ready.bytes;
  is_all_ = ready.is_all;
  // Nothing was there, though it was woken: nothing waits.
  if (ready.bytes == 0) waits_since_ = TimePoint::max();
  return ready;
}

/// Before a reader takes something it is as far behind as it was since it took the last.
void LoggedAnswer::take(std::span<std::byte> out) {
  outcome_.bytes += out.size();
  if (is_stream_) {
    outcome_.progress = inner_->progress();
    outcome_.worst_behind = std::max(outcome_.worst_behind, outcome_.progress.behind);
    note_wait();
  }
  inner_->take(out);
  const bool has_all = is_all_ && out.size() == offered_;
  waits_since_ = has_all ? TimePoint::max() : setting_.loop.now();
}

void LoggedAnswer::note_wait() {
  if (outcome_.stage == AccessOutcome::Stage::stream_end) {
    outcome_.worst_behind = std::max(outcome_.worst_behind, outcome_.progress.behind);
    if (outcome_.progress.queued == 0) return;
  }
  if (waits_since_ == TimePoint::max()) return;
  outcome_.worst_wait = std::max(outcome_.worst_wait, setting_.loop.now() - waits_since_);
}

}  // namespace sluice::server
