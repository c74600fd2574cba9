#include "gateway/relay/passage.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/relay/error_event.h"
#include "gateway/relay/failure.h"
#include "gateway/relay/response_head.h"
#include "gateway/relay/upstream.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {
namespace {

/// A body up to this goes before event streams; a longer one shares the connection with them.
constexpr std::uint64_t kShortBody = 64_KiB;
/// So much of a stream's events does not wait for more.
constexpr std::size_t kMuch = 4_KiB;

}  // namespace

Passage::Passage(RouteContext& route, http::Exchange& exchange, const http::Request& request,
                 Terms terms)
    : route_(route),
      exchange_(exchange),
      call_(*this),
      opening_(std::make_unique<Opening>()),
      filter_(route.options.min_retry, route.options.max_retry),
      last_read_(route.loop.now()),
      last_write_(last_read_),
      is_get_(request.method == "GET") {
  const std::string* accept = request.headers.find("accept");
  opening_->terms = std::move(terms);
  opening_->is_head = request.method == "HEAD";
  opening_->wants_events = accept != nullptr && http::accepts(*accept, "text/event-stream");
  if (request.has_body) upload_ = std::make_unique<Upload>();
  route_.counters.open.add();
}

Passage::~Passage() {
  if (call_.is_open()) route_.counters.cancelled.add();
  route_.counters.open.sub();
  if (is_event_stream_) route_.counters.event_streams.sub();
}

void Passage::begin(http::Outgoing request) {
  call_.start(route_.upstream, std::move(request));
  arm(last_read_);
}

// --- The request's body -------------------------------------------------------------------------

void Passage::on_body(std::string_view bytes) {
  if (upload_ == nullptr || !call_.is_open()) return exchange_.consume(bytes.size());
  route_.counters.body_bytes.add(bytes.size());
  const std::size_t most = route_.options.max_request_bytes;
  if (upload_->exceeds(bytes.size(), most)) {
    exchange_.consume(bytes.size());
    call_.stop();
    upload_.reset();
    if (state_ == State::waiting) {
      return refuse(413, "body_too_large",
                    fmt::format("the body is larger than {}", format_size(most)));
    }
    return fail(413, "body_too_large", "the request's body is too large");
  }
  if (opening_ != nullptr && !is_get_ && opening_->stream_flag.feed(bytes)) {
    arm(route_.loop.now());
  }
  upload_->add(bytes);
  call_.wake_body();
}

void Passage::on_body_end() {
  if (upload_ == nullptr) return;
  upload_->complete();
  call_.wake_body();
}

http::Answer::Ready Passage::body_ready(std::size_t max) {
  if (upload_ == nullptr) return {.bytes = 0, .last = true};
  return upload_->ready(max);
}

void Passage::body_take(std::span<std::byte> out) {
  if (out.empty()) return;
  upload_->take(out);
  // Nobody answers a request that is still coming.
  if (state_ == State::waiting || state_ == State::early) last_read_ = route_.loop.now();
  exchange_.consume(out.size());
}

// --- The answer, as it comes --------------------------------------------------------------------

void Passage::on_answer(http::Response head, std::optional<std::uint64_t> length) {
  const TimePoint now = route_.loop.now();
  route_.counters.first_byte.observe(std::chrono::duration<double>(now - last_read_).count());
  last_read_ = now;
  const bool is_events = is_event_stream(head);
  if (state_ == State::early) {
    if (is_events) {
      state_ = State::open;
    } else {
      state_ = State::late;
      opening_->late.begin(head.status, now);
      return arm(now);
    }
  } else {
    state_ = State::open;
    const bool is_head = opening_->is_head;
    const bool is_bodiless = is_head || head.status == 204 || head.status == 304;
    head = make_answer(route_.options, std::move(head), opening_->terms, is_events);
    if (is_events && !is_bodiless) {
      if (!admit()) return;
      begin_stream();
    }
    const bool is_short = is_bodiless || (length && *length <= kShortBody);
    const auto kind = is_event_stream_ ? http::Kind::event_stream
                      : is_short       ? http::Kind::finite
                                       : http::Kind::bulk;
    exchange_.respond(std::move(head), kind, is_event_stream_ ? std::nullopt : length);
  }
  settle_terms();
  arm(now);
}

bool Passage::admit() {
  Terms& terms = opening_->terms;
  if (terms.admit == nullptr) return true;
  auto instead = terms.admit(terms.lease);
  if (instead == nullptr) return true;
  tenure_ = std::make_unique<Tenure>();
  tenure_->instead = std::move(instead);
  call_.stop();
  complete();
  return false;
}

void Passage::begin_stream() {
  is_event_stream_ = true;
  route_.counters.event_streams.add();
  route_.streams.push_back(*this);
  const Millis interval = route_.options.heartbeat_interval;
  interval_ = interval - jitter(Millis(0), interval / 10);
  // Firefox fires `open` at the first byte of the body, not at the head, and without one it gives
  // up for ever when the connection is lost.
  out_.add(sse::kHeartbeat);
}

void Passage::settle_terms() {
  Terms& terms = opening_->terms;
  if (terms.ends < TimePoint::max() || !terms.subject.empty() || terms.lease != nullptr) {
    tenure_ = std::make_unique<Tenure>(Tenure{.ends = terms.ends,
                                              .subject = std::move(terms.subject),
                                              .lease = std::move(terms.lease),
                                              .instead = {}});
  }
  opening_.reset();
}

void Passage::on_data(std::string_view bytes) {
  route_.counters.bytes_in.add(bytes.size());
  last_read_ = route_.loop.now();
  if (state_ == State::late) {
    call_.consume(bytes.size());
    if (opening_->late.add(bytes)) tell_late();
    return;
  }
  unpaid_ += static_cast<std::uint32_t>(bytes.size());
  if (!is_event_stream_) {
    out_.add(bytes);
  } else {
    std::string& passed = route_.scratch;
    passed.clear();
    is_ending_ ? void(filter_.feed_to_boundary(bytes, passed)) : filter_.feed(bytes, passed);
    out_.add(passed);
    if (is_ending_ && filter_.at_boundary()) return end_at_boundary();
  }
  const bool may_wait = is_event_stream_ && out_.size() < kMuch;
  may_wait ? exchange_.wake_soon() : exchange_.wake();
}

void Passage::on_complete() {
  if (state_ == State::late) return tell_late();
  if (is_event_stream_) {
    std::string held;
    filter_.finish(held);
    out_.add(held);
  }
  complete();
}

void Passage::tell_late() {
  call_.stop();
  fail(opening_->late.status(), "upstream_answer", opening_->late.text());
}

void Passage::on_broken(const Broken& broken) {
  count_failure(route_.counters, broken.failure);
  log::debug("route {}: {}", route_.options.name, broken.what);
  if (state_ == State::late) return tell_late();
  // What is behind the gateway is for its log, not for its clients.
  const int status = status_of_failure(broken.failure);
  if (state_ == State::waiting) {
    return refuse(status, name_of_failure(broken.failure), text_of_failure(broken.failure));
  }
  fail(status, name_of_failure(broken.failure), text_of_failure(broken.failure));
}

// --- Ends ---------------------------------------------------------------------------------------

void Passage::complete() {
  state_ = State::complete;
  upload_.reset();
  // Its lease is held until the client has read all.
  if (opening_ != nullptr && is_event_stream_) settle_terms();
  opening_.reset();
  ListHook<StreamTag>::unlink();
  Deadline::cancel();
  exchange_.wake();
}

void Passage::break_off() {
  complete();
  state_ = State::broken;
  // What is here goes first; and an answer must not be ended from inside its own take().
  route_.loop.wheel().arm(*this, route_.loop.now());
}

void Passage::refuse(int status, std::string_view kind, std::string_view what) {
  const Opening& opening = *opening_;
  http::Response head{.status = status, .headers = {}};
  if (is_get_ && opening.wants_events && status > 500 &&
      route_.options.unavailable == Unavailable::park) {
    head = early_head(route_.options, opening.terms);
    out_.add(sse::retry_line(jitter(route_.retry.parked_min, route_.retry.parked_max)));
  } else {
    head.headers.add("cache-control", "no-store");
    for (const http::Field& field : opening.terms.answer_headers) {
      head.headers.add(field.name, field.value);
    }
    ErrorBody body = error_body(route_.options.errors, status, kind, what);
    head.headers.add("content-type", std::string(body.content_type));
    if (!opening.terms.request_id.empty()) {
      head.headers.add("x-request-id", opening.terms.request_id);
    }
    out_.add(body.text);
  }
  const std::size_t length = out_.size();
  if (opening.is_head) out_.clear();
  exchange_.respond(std::move(head), http::Kind::finite, length);
  complete();
}

void Passage::fail(int status, std::string_view kind, std::string_view what) {
  // An event that was begun cannot be taken back, only broken off: its client then drops it.
  const bool was_early = opening_ != nullptr;
  const bool can_tell = is_event_stream_ && filter_.at_boundary() &&
                        (was_early || route_.options.errors != ErrorForm::reset);
  if (!can_tell) return break_off();
  const ErrorForm form =
      route_.options.errors == ErrorForm::reset ? ErrorForm::event : route_.options.errors;
  out_.add(error_event(form, status, kind, what));
  route_.counters.error_events.add();
  complete();
}

void Passage::end(Millis retry) {
  // What a POST has begun is not asked for again.
  if (!is_get_ || is_ending_ || state_ == State::complete || state_ == State::broken) return;
  is_ending_ = true;
  retry_ = retry;
  route_.counters.drained.add();
  if (filter_.at_boundary()) end_at_boundary();
}

void Passage::cut(Millis retry) {
  if (state_ == State::complete || state_ == State::broken) return;
  if (is_get_ && filter_.at_boundary()) return end(retry);
  call_.stop();
  if (is_get_) return break_off();
  fail(401, "token_expired", "the token is no longer good");
}

void Passage::end_at_boundary() {
  out_.add(sse::retry_line(retry_));
  call_.stop();
  complete();
}

TimePoint Passage::ends() const {
  if (opening_ != nullptr) return opening_->terms.ends;
  return tenure_ == nullptr ? TimePoint::max() : tenure_->ends;
}

std::string_view Passage::subject() const {
  if (opening_ != nullptr) return opening_->terms.subject;
  return tenure_ == nullptr ? std::string_view() : tenure_->subject;
}

// --- The answer, as it leaves -------------------------------------------------------------------

http::Answer::Ready Passage::ready(std::size_t max) {
  if (http::Answer* const other = instead()) return other->ready(max);
  const std::size_t rest = out_.size();
  const std::size_t bytes = std::min(rest, max);
  return {
      .bytes = bytes, .last = state_ == State::complete && bytes == rest, .is_all = bytes == rest};
}

void Passage::take(std::span<std::byte> out) {
  if (http::Answer* const other = instead()) return other->take(out);
  if (out.empty()) return;
  out_.take(out);
  last_write_ = route_.loop.now();
  route_.counters.bytes_out.add(out.size());
  const std::size_t paid = out_.empty() ? unpaid_ : std::min<std::size_t>(unpaid_, out.size());
  if (out_.empty() && state_ == State::broken) route_.loop.wheel().arm(*this, last_write_);
  pay(paid);
}

void Passage::pay(std::size_t n) {
  if (n == 0) return;
  unpaid_ -= static_cast<std::uint32_t>(n);
  last_read_ = route_.loop.now();  // It may have been we who did not let it speak.
  call_.consume(n);
}

// --- Time ---------------------------------------------------------------------------------------

bool Passage::has_heartbeats() const {
  return is_event_stream_ && route_.options.heartbeat != HeartbeatForm::off &&
         interval_.count() > 0;
}

bool Passage::may_answer_early() const {
  return state_ == State::waiting && route_.options.early_after > Millis(0) && !opening_->is_head &&
         (opening_->wants_events || opening_->stream_flag.is_set());
}

/// One deadline for all that time does to an exchange. None is moved when bytes pass: it comes, and
/// what is left is armed.
void Passage::arm(TimePoint now) {
  const RouteOptions& options = route_.options;
  TimePoint due = TimePoint::max();
  const auto at = [&](TimePoint since, Millis limit) {
    if (limit > Millis(0)) due = std::min(due, since + limit);
  };
  if (may_answer_early()) at(last_read_, options.early_after);
  if (state_ == State::waiting || state_ == State::early) {
    at(last_read_, options.first_byte_timeout);
  }
  if (state_ == State::open) at(last_read_, options.silence_timeout);
  if (state_ == State::late) due = std::min(due, opening_->late.due());
  if (has_heartbeats()) due = std::min(due, last_write_ + interval_);
  if (is_event_stream_) due = std::min(due, ends());
  if (due < TimePoint::max()) route_.loop.wheel().arm(*this, std::max(due, now));
}

void Passage::on_deadline(TimePoint now) {
  const RouteOptions& options = route_.options;
  if (state_ == State::complete) return;
  if (state_ == State::broken) {
    if (out_.empty()) exchange_.abort();
    return;
  }
  const auto is_over = [&](TimePoint since, Millis limit) {
    return limit > Millis(0) && now >= since + limit;
  };
  if (state_ == State::late && now >= opening_->late.due()) return tell_late();
  const bool has_head = state_ == State::open;
  // It may be the client who does not let it speak.
  if (!out_.empty()) last_read_ = now;
  if (state_ != State::late &&
      is_over(last_read_, has_head ? options.silence_timeout : options.first_byte_timeout)) {
    call_.stop();
    return on_broken(
        {.failure = Failure::timeout,
         .what = has_head ? "the upstream fell silent" : "the upstream did not answer in time"});
  }
  if (is_event_stream_ && now >= ends()) {
    return cut(jitter(route_.retry.min, route_.retry.max));
  }
  if (may_answer_early() && is_over(last_read_, options.early_after)) answer_early();
  // A client that does not read has bytes waiting: it needs no more.
  if (has_heartbeats() && now >= last_write_ + interval_ && out_.empty() && filter_.at_boundary()) {
    std::string beat;
    filter_.heartbeat(options.heartbeat, options.heartbeat_event, beat);
    out_.add(beat);
    route_.counters.heartbeats.add();
    last_write_ = now;
    exchange_.wake();
  }
  arm(now);
}

void Passage::answer_early() {
  if (!admit()) return;
  state_ = State::early;
  begin_stream();
  route_.counters.early_answers.add();
  exchange_.respond(early_head(route_.options, opening_->terms), http::Kind::event_stream);
}

}  // namespace sluice::relay
