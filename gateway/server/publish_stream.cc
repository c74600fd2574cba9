#include "gateway/server/publish_stream.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/base/random.h"
#include "gateway/server/event_stream.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

/// How long to wait before it is looked again whether the workers or the journal have room.
constexpr Duration kLookAgain = TimerWheel::kSlot;

std::size_t cost_of(const sse::Draft& draft) {
  std::size_t bytes = sizeof(sse::Draft) + draft.data.size() + draft.id.size() + draft.once.size();
  for (const std::string& topic : draft.topics) bytes += sizeof(std::string) + topic.size();
  return bytes;
}

std::string error_event(std::uint64_t event, int status, std::string_view message) {
  const nlohmann::ordered_json data{{"event", event}, {"status", status}, {"message", message}};
  const std::string text =
      data.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  return sse::encode({.id = {}, .type = "error", .data = text, .retry = {}});
}

}  // namespace

PublishStream::PublishStream(const PublishSetting& setting, Job job, http::Exchange& exchange)
    : setting_(setting),
      job_(std::move(job)),
      exchange_(exchange),
      parser_(std::move(job_.common), setting.shared.config.access.max_body_bytes),
      last_write_(setting.loop.now()),
      last_input_(last_write_),
      last_ack_(last_write_ - setting.shared.config.publish.ack_interval) {
  link_->stream = this;
  const HeartbeatOptions& heartbeat = setting_.shared.config.heartbeat;
  if (job_.wants_acks) {
    heartbeat_ =
        heartbeat.interval - jitter(Millis(0), std::min(heartbeat.jitter, heartbeat.interval));
  }
  setting_.counters.publish_streams.add();
  setting_.streams.push_back(*this);
  if (!job_.begins_late) begin();
  schedule(last_write_);
}

PublishStream::~PublishStream() {
  link_->stream = nullptr;
  // Whole events behind those that are being appended follow them, though nobody waits for it: as
  // many as its rate allows, and only when there is room.
  if (is_appending_ && !setting_.shared.is_behind()) {
    const std::size_t n =
        setting_.shared.rates.take_some(job_.publisher.name, pending_.size(), setting_.loop.now());
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(n), pending_.end());
    link_->rest = std::move(pending_);
  }
  set_waiting(false);
  setting_.counters.publish_streams.sub();
}

void PublishStream::begin() {
  if (std::exchange(has_begun_, true)) return;
  http::Response head = event_stream_head();
  for (const http::Field& field : job_.extra) head.headers.add(field.name, field.value);
  text_ = sse::kHeartbeat;
  // It is finite to the session: it counts for no limit of subscribers, and its acknowledgements
  // do not wait behind their events.
  exchange_.respond(std::move(head), http::Kind::finite);
  exchange_.wake();
}

// ---- From bytes to events in the journal ----

void PublishStream::on_body(std::string_view bytes) {
  begin();
  last_input_ = setting_.loop.now();
  if (is_closed_) {
    exchange_.consume(bytes.size());
    return;
  }
  input_ += bytes;
  pump();
}

void PublishStream::on_body_end() {
  begin();
  is_body_over_ = true;
  pump();
}

void PublishStream::pump() {
  if (std::exchange(is_pumping_, true)) return;
  do {
    take_events();
  } while (append_group());
  is_pumping_ = false;
  if (is_closed_ && pending_.empty() && group_.empty()) finish();
}

void PublishStream::take_events() {
  const PublishOptions& limits = setting_.shared.config.publish;
  std::string_view input = input_;
  while (!is_closed_ && !input.empty() && pending_.size() < limits.stream_group_events &&
         pending_bytes_ < limits.stream_pending_bytes) {
    auto event = parser_.next(input);
    if (!event) {
      stop({413, event.error().what});
    } else if (*event) {
      take_event(std::move(**event));
    }
  }
  if (is_closed_) input = {};
  if (const std::size_t used = input_.size() - input.size(); used > 0) {
    input_.erase(0, used);
    exchange_.consume(used);
  }
  if (!is_closed_ && is_body_over_ && input_.empty()) {
    if (parser_.is_inside()) {
      stop({400, "the last event has no blank line behind it"});
    }
    is_closed_ = true;
  }
}

void PublishStream::take_event(Fields fields) {
  auto draft = job_.rules.apply(std::move(fields));
  if (!draft) {
    stop({draft.error().code == Errc::limit ? 413 : 400, draft.error().what});
    return;
  }
  if (!job_.publisher.may_publish_to(draft->topics)) {
    stop({403, "the token does not allow publishing to every one of these topics"});
    return;
  }
  job_.publisher.make_unique(*draft, taken_++);
  pending_bytes_ += cost_of(*draft);
  pending_.push_back(std::move(*draft));
}

/// True when a group was handed to the journal.
bool PublishStream::append_group() {
  if (is_appending_) return false;
  const TimePoint now = setting_.loop.now();
  if (is_waiting_ && now < held_until_) return false;
  if (group_.empty()) {
    if (pending_.empty()) return false;
    const std::size_t n =
        setting_.shared.rates.take_some(job_.publisher.name, pending_.size(), now);
    if (n == 0) {
      hold_up(now);
      return false;
    }
    const auto end = pending_.begin() + static_cast<std::ptrdiff_t>(n);
    group_.assign(std::make_move_iterator(pending_.begin()), std::make_move_iterator(end));
    pending_.erase(pending_.begin(), end);
    for (const sse::Draft& draft : group_) pending_bytes_ -= cost_of(draft);
  }
  if (setting_.shared.is_behind()) {
    hold_up(now);
    return false;
  }
  set_waiting(false);
  is_appending_ = true;
  // The journal may ask to be tried again: the group stays until it is appended.
  setting_.shared.journal.append(
      group_, [post = setting_.post, link = link_, &journal = setting_.shared.journal](auto made) {
        post([link, &journal, made = std::move(made)] {
          if (link->stream != nullptr) {
            link->stream->on_appended(made);
          } else if (made && !link->rest.empty()) {
            journal.append(std::move(link->rest), [](const auto&) {});
          }
        });
      });
  return true;
}

void PublishStream::on_appended(const Receipts& receipts) {
  is_appending_ = false;
  const TimePoint now = setting_.loop.now();
  if (!receipts && receipts.error().code == Errc::limit) {
    hold_up(now);
  } else if (!receipts) {
    group_.clear();
    drop_waiting();
    stop({503, "the events could not be kept: " + receipts.error().what});
  } else {
    count(*receipts);
    last_id_ = receipts->back().id;
    group_.clear();
    has_news_ = true;
    write_ack(now);
  }
  pump();
}

void PublishStream::count(const std::vector<journal::Receipt>& receipts) {
  const auto is_repeat = [](const journal::Receipt& receipt) { return receipt.is_repeat; };
  const auto repeats =
      static_cast<std::uint64_t>(std::count_if(receipts.begin(), receipts.end(), is_repeat));
  std::uint64_t bytes = 0;
  for (const sse::Draft& draft : group_) bytes += draft.data.size();
  events_ += receipts.size();
  repeats_ += repeats;
  bytes_ += bytes;
  setting_.counters.publish_bytes.add(bytes);
  setting_.counters.publish_repeats.add(repeats);
  setting_.counters.stream_events.add(receipts.size() - repeats);
}

void PublishStream::hold_up(TimePoint now) {
  if (is_cut_) {
    drop_waiting();
    return;
  }
  set_waiting(true);
  held_until_ = now + kLookAgain;
  look_at(held_until_);
}

void PublishStream::set_waiting(bool is_waiting) {
  if (std::exchange(is_waiting_, is_waiting) == is_waiting) return;
  setting_.counters.publish_waiting.add(is_waiting ? 1 : -1);
}

// ---- Ends ----

/// Takes no more; what was taken goes on its way.
void PublishStream::stop(Fault fault) {
  is_closed_ = true;
  if (!fault_) fault_ = std::move(fault);
}

/// The same, but what is held up is dropped: there is no time to wait.
void PublishStream::cut() {
  is_closed_ = is_cut_ = true;
  if (is_waiting_) drop_waiting();
  pump();
}

void PublishStream::drop_waiting() {
  pending_.clear();
  pending_bytes_ = 0;
  if (!is_appending_) group_.clear();
}

void PublishStream::end(Millis retry) {
  retry_ = retry;
  http::tell_ending(exchange_, http::Ending::drained);
  cut();
}

void PublishStream::revoke() {
  stop({401, "the token has been revoked"});
  http::tell_ending(exchange_, http::Ending::revoked);
  cut();
}

void PublishStream::finish() {
  if (std::exchange(is_last_, true)) return;
  begin();
  cancel();
  ListHook<PublishStreamTag>::unlink();
  set_waiting(false);
  text_ += ack();
  if (fault_) {
    setting_.counters.publish_rejected.add();
    text_ += error_event(events_ + 1, fault_->status, fault_->message);
  } else {
    setting_.counters.published.add();
  }
  if (retry_) text_ += sse::retry_line(*retry_);
  exchange_.wake();
}

// ---- The answer ----

std::string PublishStream::ack() const {
  nlohmann::ordered_json data{{"events", events_}, {"bytes", bytes_}, {"id", last_id_}};
  if (repeats_ > 0) data["repeats"] = repeats_;
  const std::string text = data.dump();
  return sse::encode({.id = last_id_, .type = "ack", .data = text, .retry = {}});
}

/// One at a time: a publisher that does not read them finds the newest when it does.
void PublishStream::write_ack(TimePoint now) {
  if (!has_news_ || !job_.wants_acks || text_left() > 0 || is_last_) return;
  const TimePoint due = last_ack_ + setting_.shared.config.publish.ack_interval;
  if (now < due) {
    look_at(due);
    return;
  }
  has_news_ = false;
  last_ack_ = now;
  text_ = ack();
  text_taken_ = 0;
  exchange_.wake();
}

http::Answer::Ready PublishStream::ready(std::size_t max) {
  return {std::min(text_left(), max), is_last_ && text_left() <= max};
}

void PublishStream::take(std::span<std::byte> out) {
  std::memcpy(out.data(), text_.data() + text_taken_, out.size());
  text_taken_ += out.size();
  last_write_ = setting_.loop.now();
  if (text_left() > 0) return;
  text_.clear();
  text_taken_ = 0;
  write_ack(last_write_);
}

// ---- Time ----

void PublishStream::look_at(TimePoint due) {
  if (is_armed() && deadline_ <= due) return;
  deadline_ = due;
  setting_.loop.wheel().arm(*this, due);
}

void PublishStream::schedule(TimePoint now) {
  if (is_last_) return;
  if (!has_begun_) look_at(now);
  if (heartbeat_ > Duration(0)) look_at(last_write_ + heartbeat_);
  if (job_.publisher.expires) look_at(*job_.publisher.expires);
  look_at(last_input_ + setting_.shared.config.publish.stream_idle);
  if (has_news_) look_at(last_ack_ + setting_.shared.config.publish.ack_interval);
  if (is_waiting_) look_at(held_until_);
}

void PublishStream::on_deadline(TimePoint now) {
  begin();
  const auto& expires = job_.publisher.expires;
  if (!is_closed_ && expires && now >= *expires) {
    stop({401, "the token has expired"});
    http::tell_ending(exchange_, http::Ending::expired);
    cut();
  }
  if (!input_.empty() || is_waiting_) last_input_ = now;  // It is our turn to move.
  if (!is_closed_ && now >= last_input_ + setting_.shared.config.publish.stream_idle) {
    stop({408, "nothing came for too long"});
  }
  pump();
  write_ack(now);
  const bool is_silent = heartbeat_ > Duration(0) && now >= last_write_ + heartbeat_;
  if (is_silent && text_left() == 0 && !is_last_) {
    text_ = sse::kHeartbeat;
    setting_.counters.heartbeats.add();
    exchange_.wake();
  }
  if (is_silent) last_write_ = now;
  schedule(now);
}

}  // namespace sluice::server
