#include "gateway/server/event_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/base/random.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

/// In milliseconds; an option may be ten minutes at most.
constexpr std::uint64_t kMostInterval = (std::uint64_t{1} << 20) - 1;
constexpr std::uint64_t kMostBytes = (std::uint64_t{1} << 43) - 1;

std::uint64_t interval_of(const HeartbeatOptions& options) {
  const Millis sooner = jitter(Millis(0), std::min(options.jitter, options.interval));
  return static_cast<std::uint64_t>((options.interval - sooner).count());
}

std::uint32_t low_millis(TimePoint at) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<Millis>(at.time_since_epoch()).count());
}

}  // namespace

EventStream::EventStream(http::Exchange& exchange, const Setting& setting)
    : exchange_(exchange),
      setting_(setting),
      interval_(interval_of(setting.heartbeat) & kMostInterval),
      begun_(http::whole_seconds(setting.loop.now())),
      last_write_(0) {
  note_write(setting.loop.now());
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
  note_write(setting_.loop.now());
  arm(setting_.loop.now());
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

TimePoint EventStream::last_write(TimePoint now) const {
  return now - Millis(low_millis(now) - last_write_);
}

void EventStream::note_write(TimePoint now) {
  last_write_ = low_millis(now);
}

void EventStream::arm(TimePoint since) {
  const bool has_heartbeats = setting_.heartbeat.interval > Millis(0);
  const TimePoint due = has_heartbeats ? since + interval() : TimePoint::max();
  if (std::min(due, ends()) < TimePoint::max()) {
    setting_.loop.wheel().arm(*this, std::min(due, ends()));
  }
}

void EventStream::end(Millis retry, http::Ending why) {
  if (is_ending_ != 0) return;
  is_ending_ = 1;
  http::tell_ending(exchange_, why);
  say(sse::retry_line(retry));
  exchange_.wake();
}

void EventStream::shed(Millis retry) {
  end(retry, http::Ending::shed);
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
  const bool asks = subscription_ != nullptr && is_ending_ == 0 && !subscription_->is_resting();
  const auto events = asks ? subscription_->ready(max) : hub::Subscription::Ready{};
  const bool is_ending = is_ending_ != 0;  // Asking may have ended it.
  if (text_ == nullptr && !is_ending) {
    return {.bytes = events.bytes, .last = false, .is_all = events.is_all};
  }
  const std::size_t bytes = rest_of_event() + text_left();
  const bool fits = bytes <= max;
  const bool is_all = fits && subscription_ != nullptr && subscription_->is_resting();
  return {.bytes = std::min(bytes, max), .last = is_ending && fits, .is_all = is_all};
}

void EventStream::take(std::span<std::byte> out) {
  note_write(setting_.loop.now());
  bytes_ = (bytes_ + out.size()) & kMostBytes;
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

http::Progress EventStream::progress() const {
  if (subscription_ == nullptr) return {.queued = text_left()};
  return {.events = subscription_->taken(),
          .gaps = subscription_->gaps(),
          .behind = subscription_->behind(),
          .queued = subscription_->waiting_bytes() + text_left(),
          .is_lagging = subscription_->is_lagging()};
}

void EventStream::on_deadline(TimePoint now) {
  if (now >= ends()) {
    setting_.counters.expired.add();
    end(soon(), tenure_->ends_by_age ? http::Ending::stream_age : http::Ending::expired);
    return;
  }
  if (setting_.heartbeat.interval == Millis(0) || last_write(now) + interval() > now) {
    arm(last_write(now));
    return;
  }
  arm(now);
  // A stream whose client does not read has text or a part of an event waiting: it needs no more.
  const bool is_blocked = text_ != nullptr || rest_of_event() > 0;
  if (is_blocked || is_ending_ != 0) return;
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
