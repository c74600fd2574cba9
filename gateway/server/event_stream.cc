#include "gateway/server/event_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/random.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {

EventStream::EventStream(http::Exchange& exchange, const Setting& setting)
    : exchange_(exchange),
      setting_(setting),
      last_write_(setting.loop.now()),
      interval_(setting.heartbeat.interval -
                jitter(Millis(0), std::min(setting.heartbeat.jitter, setting.heartbeat.interval))) {
  // A comment and a retry line, but no blank line: some clients take one for an event. They leave
  // with the headers, because Firefox fires `open` at the first byte of the body, not before.
  say(std::string(sse::kHeartbeat) + sse::retry_line(jitter(setting.retry.min, setting.retry.max)));
  setting_.counters.event_streams.add();
}

EventStream::~EventStream() {
  setting_.counters.event_streams.sub();
}

void EventStream::start(std::unique_ptr<hub::Subscription> subscription) {
  subscription_ = std::move(subscription);
  handle_.reset();  // It was for the answer of where it begins.
  last_write_ = setting_.loop.now();
  arm(last_write_);
}

void EventStream::hold(Tenure tenure) {
  tenure_ = std::make_unique<Tenure>(std::move(tenure));
}

std::string_view EventStream::subject() const {
  return tenure_ == nullptr ? std::string_view() : tenure_->subject.subject();
}

std::weak_ptr<EventStream*> EventStream::handle() {
  if (handle_ == nullptr) {
    handle_ = std::make_unique<std::shared_ptr<EventStream*>>(std::make_shared<EventStream*>(this));
  }
  return *handle_;
}

void EventStream::arm(TimePoint now) {
  const bool has_heartbeats = setting_.heartbeat.interval > Millis(0);
  const TimePoint due = has_heartbeats ? std::max(last_write_, now) + interval_ : TimePoint::max();
  if (std::min(due, ends()) < TimePoint::max()) {
    setting_.loop.wheel().arm(*this, std::min(due, ends()));
  }
}

void EventStream::end(Millis retry) {
  if (std::exchange(is_ending_, true)) return;
  say(sse::retry_line(retry));
  exchange_.wake();
}

void EventStream::shed(Millis retry) {
  end(retry);
  if (rest_of_event() == 0) subscription_.reset();
}

std::optional<sse::Position> EventStream::lagging_at() const {
  const bool is_lagging = subscription_ != nullptr && subscription_->is_lagging() && !is_ending_;
  return is_lagging ? std::optional(subscription_->position()) : std::nullopt;
}

void EventStream::say(std::string_view line) {
  if (text_ == nullptr) text_ = std::make_unique<Text>();
  text_->bytes += line;
}

http::Answer::Ready EventStream::ready(std::size_t max) {
  const bool asks = subscription_ != nullptr && !is_ending_ && !subscription_->is_resting();
  const auto events = asks ? subscription_->ready(max) : hub::Subscription::Ready{};
  if (text_ == nullptr && !is_ending_) {  // Asking may have ended it.
    return {.bytes = events.bytes, .last = false, .is_all = events.is_all};
  }
  const std::size_t bytes = rest_of_event() + text_left();
  const bool fits = bytes <= max;
  const bool is_all = fits && subscription_ != nullptr && subscription_->is_resting();
  return {.bytes = std::min(bytes, max), .last = is_ending_ && fits, .is_all = is_all};
}

void EventStream::take(std::span<std::byte> out) {
  last_write_ = setting_.loop.now();
  if (text_ != nullptr) {
    const std::size_t rest = std::min(rest_of_event(), out.size());
    if (rest > 0) subscription_->take(out.first(rest));
    out = take_text(out.subspan(rest));
  }
  if (!out.empty()) subscription_->take(out);
}

std::span<std::byte> EventStream::take_text(std::span<std::byte> out) {
  const std::size_t n = std::min(text_left(), out.size());
  std::memcpy(out.data(), text_->bytes.data() + text_->taken, n);
  text_->taken += n;
  if (text_left() == 0) text_.reset();
  return out.subspan(n);
}

void EventStream::on_deadline(TimePoint now) {
  if (now >= ends()) {
    setting_.counters.expired.add();
    end(jitter(setting_.retry.min, setting_.retry.max));
    return;
  }
  if (setting_.heartbeat.interval == Millis(0) || last_write_ + interval_ > now) {
    arm(last_write_);
    return;
  }
  arm(now);
  // A stream whose client does not read has text or a part of an event waiting: it needs no more.
  const bool is_blocked = text_ != nullptr || rest_of_event() > 0;
  if (is_blocked || is_ending_) return;
  say(sse::kHeartbeat);
  setting_.counters.heartbeats.add();
  exchange_.wake();
}

http::Response event_stream_head(bool is_private) {
  return {
      200,
      {{"content-type", "text/event-stream"},
       {"cache-control", is_private ? "private, no-cache, no-transform" : "no-cache, no-transform"},
       {"x-accel-buffering", "no"},
       {"x-content-type-options", "nosniff"}}};
}

}  // namespace sluice::server
