#include "gateway/relay/reader_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/random.h"
#include "gateway/relay/error_event.h"
#include "gateway/relay/heartbeat.h"
#include "gateway/relay/response_head.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {
namespace {

/// A body up to this goes before event streams; a longer one shares the connection with them.
constexpr std::uint64_t kShortBody = 64_KiB;

/// Cookies are for the one whose request was sent.
http::Response without_cookies(const http::Response& head) {
  http::Response bare{.status = head.status, .headers = {}};
  for (const http::Field& field : head.headers) {
    if (field.name != "set-cookie") bare.headers.add(field.name, field.value);
  }
  return bare;
}

}  // namespace

ReaderStream::ReaderStream(Setting setting, http::Exchange& exchange, const http::Request& request,
                           Terms terms)
    : route_(setting.route),
      open_plainly_(setting.open_plainly),
      sweep_(setting.sweep),
      exchange_(exchange),
      opening_(std::make_unique<Opening>()),
      begun_(setting.route.loop.now()),
      is_get_(request.method == "GET") {
  const std::string* accept = request.headers.find("accept");
  opening_->wants_events = accept != nullptr && http::accepts(*accept, "text/event-stream");
  opening_->request = request;
  opening_->terms = std::move(terms);
  if (request.has_body) upload_ = std::make_unique<Upload>();
  route_.counters.open.add();
}

ReaderStream::~ReaderStream() {
  let_source_go();
  if (has_given_end_ && reader_ != nullptr && reader_->is_at_end()) reader_->told_end();
  if (is_event_stream_) route_.counters.event_streams.sub();
  if (other_ == nullptr) route_.counters.open.sub();
  leave_log();
}

void ReaderStream::let_source_go() {
  if (source_ == nullptr) return;
  const bool is_sent = upload_ == nullptr || upload_->is_sent();
  std::exchange(source_, nullptr)->forget_asker(is_sent);
}

void ReaderStream::leave_log() {
  if (reader_ == nullptr) return;
  reader_.reset();
  sweep_();
}

void ReaderStream::read(View& view, Place place) {
  opening_->is_joined = source_ == nullptr;
  opening_->is_late = opening_->is_joined && view.log().next() > 1;
  if (opening_->is_joined) route_.counters.joined.add();
  if (place.is_resumed) route_.counters.resumed.add();
  reader_ = std::make_unique<Reader>(view, static_cast<ReaderOwner&>(*this), std::move(place),
                                     route_.options.slow, route_.counters);
  if (view.head() != nullptr || view.end() != End::none) {
    on_news();
  } else {
    arm(begun_);
  }
}

// --- The request's body -------------------------------------------------------------------------

void ReaderStream::on_body(std::string_view bytes) {
  if (other_ != nullptr) return other_->on_body(bytes);
  if (upload_ == nullptr || source_ == nullptr) return exchange_.consume(bytes.size());
  route_.counters.body_bytes.add(bytes.size());
  const std::size_t most = route_.options.max_request_bytes;
  if (upload_->exceeds(bytes.size(), most)) {
    exchange_.consume(bytes.size());
    let_source_go();
    upload_.reset();
    const Parting parting{.status = 413,
                          .kind = "body_too_large",
                          .what = fmt::format("the body is larger than {}", format_size(most))};
    return state_ == State::waiting ? refuse(parting) : fail(parting);
  }
  if (opening_ != nullptr && opening_->stream_flag.feed(bytes)) arm(route_.loop.now());
  upload_->add(bytes);
  source_->wake_body();
}

void ReaderStream::on_body_end() {
  is_asked_ = true;
  if (other_ != nullptr) return other_->on_body_end();
  if (upload_ == nullptr) return;
  upload_->complete();
  if (source_ != nullptr) source_->wake_body();
}

http::Answer::Ready ReaderStream::body_ready(std::size_t max) {
  if (upload_ == nullptr) return {.bytes = 0, .last = true};
  return upload_->ready(max);
}

void ReaderStream::body_take(std::span<std::byte> out) {
  if (out.empty()) return;
  upload_->take(out);
  exchange_.consume(out.size());
}

// --- What becomes of it -------------------------------------------------------------------------

void ReaderStream::on_news() {
  if (state_ == State::waiting || state_ == State::early) {
    const View& view = reader_->view();
    if (view.head() != nullptr) {
      open_stream();
    } else if (view.end() == End::refused) {
      if (state_ == State::early) return fail(Parting(view.parting()));
      if (source_ == nullptr) hand_over();
      return;  // Else the answer itself comes.
    } else if (view.end() != End::none) {
      const Parting parting = view.parting();
      return state_ == State::early ? fail(parting) : refuse(parting);
    }
  }
  exchange_.wake();
}

void ReaderStream::open_stream() {
  const Log& log = reader_->view().log();
  if (state_ == State::waiting) {
    if (!admit()) return;
    const http::Response& head = *reader_->view().head();
    http::Response answer = make_answer(
        route_.options, opening_->is_joined ? without_cookies(head) : head, opening_->terms, true);
    if (log.setting().is_posted) answer.headers.add("sluice-stream-id", log.setting().name);
    begin_stream();
    exchange_.respond(std::move(answer), http::Kind::event_stream);
  }
  if (opening_->is_late && log.retry() > Millis(0)) say(sse::retry_line(log.retry()));
  state_ = State::open;
  settle_terms();
  arm(route_.loop.now());
}

bool ReaderStream::admit() {
  Terms& terms = opening_->terms;
  if (terms.admit == nullptr) return true;
  auto instead = terms.admit(terms.lease);
  if (instead == nullptr) return true;
  // Nobody was told its name, so nobody comes back for what this one's request has begun.
  if (source_ != nullptr && reader_->view().log().setting().is_exclusive) {
    std::exchange(source_, nullptr)->forget_asker(false);
  }
  let_source_go();
  give_place();
  other_ = std::move(instead);
  exchange_.wake();
  return false;
}

void ReaderStream::begin_stream() {
  is_event_stream_ = true;
  route_.counters.event_streams.add();
  // What a POST has begun is not asked for again.
  route_.streams.push_back(*this);
  const Millis interval = route_.options.heartbeat_interval;
  interval_ = interval - jitter(Millis(0), interval / 10);
  // Firefox fires `open` at the first byte of the body, not at the head, and without one it gives
  // up for ever when the connection is lost.
  say(sse::kHeartbeat);
}

void ReaderStream::answer_early() {
  if (!admit()) return;
  http::Response head = early_head(route_.options, opening_->terms);
  const Log::Setting& log = reader_->view().log().setting();
  if (log.is_posted) head.headers.add("sluice-stream-id", log.name);
  state_ = State::early;
  begin_stream();
  route_.counters.early_answers.add();
  exchange_.respond(std::move(head), http::Kind::event_stream);
}

void ReaderStream::settle_terms() {
  Terms& terms = opening_->terms;
  if (terms.ends < TimePoint::max() || !terms.subject.empty() || terms.lease != nullptr) {
    tenure_ = std::make_unique<Tenure>(Tenure{
        .ends = terms.ends, .subject = std::move(terms.subject), .lease = std::move(terms.lease)});
  }
  opening_.reset();
}

/// It is not this one who answers.
std::unique_ptr<ReaderStream::Opening> ReaderStream::give_place() {
  Deadline::cancel();
  leave_log();
  route_.counters.open.sub();
  state_ = State::ending;
  return std::move(opening_);
}

/// The one who asked has got no stream: everybody asks by himself.
void ReaderStream::hand_over() {
  const auto opening = give_place();
  other_ = open_plainly_(route_, opening->request, exchange_, std::move(opening->terms));
  if (is_asked_) other_->on_body_end();
  exchange_.wake();
}

void ReaderStream::on_plain_answer(http::Response head, std::optional<std::uint64_t> length) {
  if (state_ == State::early) {
    state_ = State::late;
    opening_->late.begin(head.status, route_.loop.now());
    arm(route_.loop.now());
    return leave_log();
  }
  if (state_ != State::waiting) return let_source_go();
  state_ = State::plain;
  const bool is_bodiless = head.status == 204 || head.status == 304;
  const bool is_short = is_bodiless || (length && *length <= kShortBody);
  head = make_answer(route_.options, std::move(head), opening_->terms, false);
  text_ = std::make_unique<Text>();
  exchange_.respond(std::move(head), is_short ? http::Kind::finite : http::Kind::bulk, length);
  settle_terms();
  Deadline::cancel();
  leave_log();
}

void ReaderStream::on_plain_bytes(std::string_view bytes) {
  if (state_ == State::late) {
    source_->consume(bytes.size());
    if (opening_->late.add(bytes)) tell_late();
    return;
  }
  if (state_ != State::plain) return;
  text_->bytes += bytes;
  text_->unpaid += bytes.size();
  exchange_.wake();
}

void ReaderStream::on_plain_end() {
  if (state_ == State::late) return tell_late();
  has_ended_ = true;
  exchange_.wake();
}

void ReaderStream::on_plain_broken() {
  if (state_ == State::late) return tell_late();
  if (state_ == State::plain) break_off();
}

void ReaderStream::tell_late() {
  let_source_go();
  fail({.status = opening_->late.status(),
        .kind = "upstream_answer",
        .what = opening_->late.text()});
}

void ReaderStream::refuse(const Parting& parting) {
  const Opening& opening = *opening_;
  http::Response head{.status = parting.status, .headers = {}};
  std::string body;
  if (is_get_ && opening.wants_events && parting.status > 500 &&
      route_.options.unavailable == Unavailable::park) {
    head = early_head(route_.options, opening.terms);
    body = sse::retry_line(jitter(route_.retry.parked_min, route_.retry.parked_max));
  } else {
    head.headers.add("cache-control", "no-store");
    for (const http::Field& field : opening.terms.answer_headers) {
      head.headers.add(field.name, field.value);
    }
    ErrorBody error = error_body(route_.options.errors, parting.status, parting.kind, parting.what);
    head.headers.add("content-type", std::string(error.content_type));
    body = std::move(error.text);
  }
  exchange_.respond(std::move(head), http::Kind::finite, body.size());
  say(body);
  finish();
}

void ReaderStream::fail(const Parting& parting) {
  const ErrorForm form = route_.options.errors;
  if (form == ErrorForm::reset && !is_begun()) return break_off();
  say(error_event(form == ErrorForm::reset ? ErrorForm::event : form, parting.status, parting.kind,
                  parting.what));
  route_.counters.error_events.add();
  finish();
}

/// Behind `text_` nothing comes.
void ReaderStream::finish() {
  state_ = State::ending;
  // Its lease is held until the client has read all.
  if (opening_ != nullptr && is_event_stream_) settle_terms();
  opening_.reset();
  ListHook<StreamTag>::unlink();
  Deadline::cancel();
  exchange_.wake();
}

void ReaderStream::break_off() {
  state_ = State::broken;
  ListHook<StreamTag>::unlink();
  // An exchange must not be ended from inside its own functions.
  route_.loop.wheel().arm(*this, route_.loop.now());
}

void ReaderStream::end(Millis retry) {
  if (!is_get_ || !is_streaming()) return;
  route_.counters.drained.add();
  say(sse::retry_line(retry));
  finish();
}

void ReaderStream::cut(Millis retry) {
  if (!is_streaming()) return;
  if (is_get_) return end(retry);
  fail({.status = 401, .kind = "token_expired", .what = "the token is no longer good"});
}

void ReaderStream::on_too_slow() {
  say(sse::retry_line(jitter(route_.retry.min, route_.retry.max)));
  finish();
}

TimePoint ReaderStream::ends() const {
  if (opening_ != nullptr) return opening_->terms.ends;
  return tenure_ == nullptr ? TimePoint::max() : tenure_->ends;
}

std::string_view ReaderStream::subject() const {
  if (opening_ != nullptr) return opening_->terms.subject;
  return tenure_ == nullptr ? std::string_view() : tenure_->subject;
}

// --- The answer, as it leaves -------------------------------------------------------------------

void ReaderStream::say(std::string_view bytes) {
  if (text_ == nullptr) text_ = std::make_unique<Text>();
  text_->bytes += bytes;
}

http::Answer::Ready ReaderStream::ready_events(std::size_t max) {
  const Reader::Ready events = reader_->is_resting() ? Reader::Ready{} : reader_->ready(max);
  if (state_ != State::open || text_ != nullptr) return {};  // It was too slow.
  const End end = reader_->view().end();
  if (end == End::none) return {.bytes = events.bytes, .last = false, .is_all = events.is_all};
  if (!events.is_all && !reader_->is_at_end()) return {.bytes = events.bytes};
  if (end == End::clean) {
    has_given_end_ = true;
    return {.bytes = events.bytes, .last = true};
  }
  if (events.bytes == 0) fail(Parting(reader_->view().parting()));
  return {.bytes = events.bytes};
}

http::Answer::Ready ReaderStream::ready(std::size_t max) {
  if (other_ != nullptr) return other_->ready(max);
  if (state_ == State::open && text_ == nullptr) {
    const Ready events = ready_events(max);
    if (state_ == State::open && text_ == nullptr) return events;
  }
  if (state_ == State::broken) return {};
  const bool is_ending = state_ == State::ending || has_ended_;
  const std::size_t bytes = rest_of_event() + text_left();
  return {.bytes = std::min(bytes, max), .last = is_ending && bytes <= max};
}

void ReaderStream::take(std::span<std::byte> out) {
  if (other_ != nullptr) return other_->take(out);
  begun_ = route_.loop.now();
  route_.counters.bytes_out.add(out.size());
  if (text_ != nullptr) {
    const std::size_t rest = std::min(rest_of_event(), out.size());
    if (rest > 0) reader_->take(out.first(rest));
    out = take_text(out.subspan(rest));
  }
  if (!out.empty()) reader_->take(out);
}

std::span<std::byte> ReaderStream::take_text(std::span<std::byte> out) {
  const std::size_t n = std::min(text_left(), out.size());
  std::memcpy(out.data(), text_->bytes.data() + text_->taken, n);
  text_->taken += n;
  if (text_left() > 0) return out.subspan(n);
  const std::size_t unpaid = std::exchange(text_->unpaid, 0);
  if (state_ == State::plain) {
    text_->bytes = std::string();
    text_->taken = 0;
    if (source_ != nullptr) source_->consume(unpaid);
  } else {
    text_.reset();
  }
  return out.subspan(n);
}

// --- Time ---------------------------------------------------------------------------------------

bool ReaderStream::has_heartbeats() const {
  return is_streaming() && route_.options.heartbeat != HeartbeatForm::off && interval_.count() > 0;
}

bool ReaderStream::may_answer_early() const {
  return state_ == State::waiting && route_.options.early_after > Millis(0) &&
         (opening_->wants_events || opening_->stream_flag.is_set());
}

void ReaderStream::arm(TimePoint now) {
  TimePoint due = TimePoint::max();
  if (may_answer_early()) due = begun_ + route_.options.early_after;
  if (state_ == State::late) due = opening_->late.due();
  if (has_heartbeats()) due = std::min(due, begun_ + interval_);
  if (is_streaming()) due = std::min(due, ends());
  if (due < TimePoint::max()) route_.loop.wheel().arm(*this, std::max(due, now));
}

void ReaderStream::on_deadline(TimePoint now) {
  if (state_ == State::broken) return exchange_.abort();
  if (state_ == State::late && now >= opening_->late.due()) return tell_late();
  if (is_streaming() && now >= ends()) {
    return cut(jitter(route_.retry.min, route_.retry.max));
  }
  if (may_answer_early() && now >= begun_ + route_.options.early_after) answer_early();
  // A client that does not read has bytes waiting: it needs no more.
  const bool is_blocked = text_ != nullptr || rest_of_event() > 0;
  if (has_heartbeats() && now >= begun_ + interval_) {
    begun_ = now;
    if (!is_blocked) {
      std::string beat;
      append_heartbeat(route_.options.heartbeat, route_.options.heartbeat_event, beat);
      say(beat);
      route_.counters.heartbeats.add();
      exchange_.wake();
    }
  }
  arm(now);
}

}  // namespace sluice::relay
