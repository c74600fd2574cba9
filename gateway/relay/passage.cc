#include "gateway/relay/passage.h"

#include <algorithm>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/relay/failure.h"
#include "gateway/relay/last_word.h"
#include "gateway/relay/response_head.h"
#include "gateway/relay/upstream.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {
namespace {

/// So much of a stream's events does not wait for more.
constexpr std::size_t kMuch = 4_KiB;

}  // namespace

Passage::Passage(RouteContext& route, http::Exchange& exchange, const http::Request& request,
                 Terms terms)
    : route_(route),
      exchange_(exchange),
      tenure_(request, std::move(terms), route.memory.openings),
      upload_(request.has_body),
      is_get_(request.method == "GET"),
      last_read_(route.loop.now()),
      last_write_(last_read_),
      begun_(http::whole_seconds(last_read_)) {
  route_.counters.open.add();
}

Passage::~Passage() {
  if (UpstreamCall::is_open()) route_.counters.cancelled.add();
  route_.counters.open.sub();
  if (is_event_stream_) route_.counters.event_streams.sub();
}

void Passage::begin(http::Outgoing request) {
  if (http::Account* const account = exchange_.account()) {
    account->upstream = route_.upstream.options().name;
  }
  start(route_.upstream, std::move(request));
  arm(last_read_);
}

// --- The request's body -------------------------------------------------------------------------

void Passage::on_body(std::string_view bytes) {
  if (!upload_.is_open() || !UpstreamCall::is_open()) return exchange_.consume(bytes.size());
  if (!upload_.receive(bytes, route_)) {
    exchange_.consume(bytes.size());
    stop();
    upload_.close();
    const Parting parting = body_too_large(route_.options.max_request_bytes);
    return state_ == State::waiting ? refuse(parting) : fail(parting);
  }
  if (tenure_.read_body(bytes)) arm(route_.loop.now());
  wake_body();
}

void Passage::on_body_end() {
  if (!upload_.is_open()) return;
  upload_.complete();
  wake_body();
}

void Passage::give_body(std::span<std::byte> out) {
  if (out.empty()) return;
  upload_.take(out);
  // Nobody answers a request that is still coming.
  if (state_ == State::waiting || state_ == State::early) last_read_ = route_.loop.now();
  exchange_.consume(out.size());
}

// --- The answer, as it comes --------------------------------------------------------------------

void Passage::on_answer(http::Response head, std::optional<std::uint64_t> length) {
  const TimePoint now = route_.loop.now();
  route_.counters.first_byte.observe(std::chrono::duration<double>(now - last_read_).count());
  last_read_ = now;
  if (http::Account* const account = exchange_.account()) account->upstream = address();
  if (state_ == State::early && !is_event_stream(head)) {
    state_ = State::late;
    tenure_.opening().late.begin(head.status, now);
    return arm(now);
  }
  const bool is_told = state_ == State::early;
  state_ = State::open;
  if (!is_told && !open(std::move(head), length)) return;
  tenure_.settle();
  arm(now);
}

bool Passage::open(http::Response head, std::optional<std::uint64_t> length) {
  const bool is_head = tenure_.opening().is_head;
  const bool is_events = is_event_stream(head);
  head = make_answer(route_.options, std::move(head), tenure_.opening().terms, is_events);
  if (is_events && !is_head) {
    if (!admit()) return false;
    begin_stream();
    exchange_.respond(std::move(head), http::Kind::event_stream);
  } else {
    const auto kind = is_head ? http::Kind::finite : kind_of_body(head.status, length);
    exchange_.respond(std::move(head), kind, length);
  }
  return true;
}

bool Passage::admit() {
  if (tenure_.admit()) return true;
  stop();
  complete();
  return false;
}

void Passage::begin_stream() {
  is_event_stream_ = true;
  route_.counters.event_streams.add();
  route_.streams.push_back(*this);
  put(pulse_.begin(route_.options));
}

void Passage::answer_early() {
  if (!admit()) return;
  state_ = State::early;
  begin_stream();
  route_.counters.early_answers.add();
  exchange_.respond(early_head(route_.options, tenure_.opening().terms), http::Kind::event_stream);
}

void Passage::on_bytes(std::string_view bytes) {
  route_.counters.bytes_in.add(bytes.size());
  last_read_ = route_.loop.now();
  if (state_ == State::late) {
    UpstreamCall::consume(bytes.size());
    if (tenure_.opening().late.add(bytes)) tell_late();
    return;
  }
  unpaid_ += static_cast<std::uint32_t>(bytes.size());
  if (!is_event_stream_) {
    put(bytes);
  } else {
    std::string& passed = route_.scratch;
    passed.clear();
    is_ending_ ? void(filter_.feed_to_boundary(bytes, route_.retry_bounds, passed))
               : filter_.feed(bytes, route_.retry_bounds, passed);
    put(passed);
    if (is_ending_ && filter_.at_boundary()) return end_at_boundary();
  }
  if (out_.empty()) pay(unpaid_);  // The filter has let nothing of it through.
  const bool may_wait = is_event_stream_ && out_.size() < kMuch;
  may_wait ? exchange_.wake_soon() : exchange_.wake();
}

void Passage::on_complete(bool /*until_close*/) {
  if (state_ == State::late) return tell_late();
  if (is_event_stream_) {
    std::string held;
    filter_.finish(route_.retry_bounds, held);
    put(held);
  }
  http::tell_ending(exchange_, http::Ending::upstream_end);
  complete();
}

void Passage::tell_late() {
  stop();
  Parting parting = tenure_.opening().late.parting();
  tell_failure(exchange_, parting);
  fail(parting);
}

void Passage::on_broken(const Broken& broken) {
  count_failure(route_.counters, broken.failure);
  log::debug("route {}: {}", route_.options.name, broken.what);
  if (state_ == State::late) return tell_late();
  // What is behind the gateway is for its log, not for its clients.
  const Parting parting = parting_of(broken.failure, broken.what);
  tell_failure(exchange_, parting);
  state_ == State::waiting ? refuse(parting) : fail(parting);
}

// --- Ends ---------------------------------------------------------------------------------------

void Passage::complete() {
  state_ = State::complete;
  upload_.close();
  is_event_stream_ ? tenure_.settle() : tenure_.drop_opening();
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

void Passage::refuse(const Parting& parting) {
  const Opening& opening = tenure_.opening();
  LastAnswer answer = last_answer(route_.options, route_.retry, opening, parting);
  if (answer.head.status == 200) http::tell_ending(exchange_, http::Ending::parked);
  if (!opening.is_head) put(answer.body);
  exchange_.respond(std::move(answer.head), http::Kind::finite, answer.body.size());
  complete();
}

void Passage::fail(const Parting& parting) {
  // An event that was begun cannot be taken back, only broken off: its client then drops it.
  const bool can_tell = is_event_stream_ && filter_.at_boundary() &&
                        (tenure_.is_opening() || route_.options.errors != ErrorForm::reset);
  if (!can_tell) return break_off();
  put(last_event(route_.options, parting));
  route_.counters.error_events.add();
  complete();
}

void Passage::end(Millis retry, http::Ending why) {
  // What a POST has begun is not asked for again.
  if (!is_get_ || is_ending_ || state_ == State::complete || state_ == State::broken) return;
  is_ending_ = true;
  retry_ = retry;
  http::tell_ending(exchange_, why);
  route_.counters.drained.add();
  if (filter_.at_boundary()) end_at_boundary();
}

void Passage::end_in_order() {
  if (http::Answer* const other = tenure_.instead()) return other->end_in_order();
  end(jitter(route_.retry.min, route_.retry.max), http::Ending::connection_age);
}

void Passage::cut(Millis retry, http::Ending why) {
  if (state_ == State::complete || state_ == State::broken) return;
  if (is_get_ && filter_.at_boundary()) return end(retry, why);
  http::tell_ending(exchange_, why);
  stop();
  if (is_get_) return break_off();
  fail(cut_off(why));
}

void Passage::end_at_boundary() {
  put(sse::retry_line(retry_));
  stop();
  complete();
}

Stream::Facts Passage::facts() const {
  return {.exchange = exchange_,
          .route = route_.options.name,
          .client = tenure_.client(),
          .bytes = sent_,
          .begun = TimePoint(std::chrono::seconds(begun_)),
          .may_return = is_get_};
}

http::Progress Passage::progress() const {
  if (const http::Answer* const other = tenure_.instead()) return other->progress();
  return {.events = filter_.events(), .behind = out_.empty() ? 0U : 1U, .queued = out_.size()};
}

// --- The answer, as it leaves -------------------------------------------------------------------

http::Answer::Ready Passage::ready(std::size_t max) {
  if (http::Answer* const other = tenure_.instead()) return other->ready(max);
  const std::size_t rest = out_.size();
  const std::size_t bytes = std::min(rest, max);
  return {
      .bytes = bytes, .last = state_ == State::complete && bytes == rest, .is_all = bytes == rest};
}

void Passage::take(std::span<std::byte> out) {
  if (http::Answer* const other = tenure_.instead()) return other->take(out);
  if (out.empty()) return;
  out_.take(out);
  sent_ += out.size();
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
  UpstreamCall::consume(n);
}

// --- Time ---------------------------------------------------------------------------------------

bool Passage::may_answer_early() const {
  return state_ == State::waiting && route_.options.early_after > Millis(0) &&
         tenure_.opening().may_be_early();
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
  if (state_ == State::late) due = std::min(due, tenure_.opening().late.due());
  if (is_event_stream_) due = std::min({due, tenure_.ends(), pulse_.due(last_write_)});
  if (is_event_stream_ && !is_ending_) due = std::min(due, tenure_.retires());
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
  if (state_ == State::late && now >= tenure_.opening().late.due()) return tell_late();
  const bool has_head = state_ == State::open;
  // It may be the client who does not let it speak.
  if (!out_.empty()) last_read_ = now;
  if (state_ != State::late &&
      is_over(last_read_, has_head ? options.silence_timeout : options.first_byte_timeout)) {
    stop();
    return on_broken(
        {.failure = Failure::timeout,
         .what = has_head ? "the upstream fell silent" : "the upstream did not answer in time"});
  }
  if (is_event_stream_ && now >= tenure_.ends()) {
    return cut(jitter(route_.retry.min, route_.retry.max), http::Ending::expired);
  }
  if (is_event_stream_ && !is_ending_ && now >= tenure_.retires()) {
    end(jitter(route_.retry.min, route_.retry.max), http::Ending::stream_age);
    if (state_ == State::complete) return;
  }
  if (may_answer_early() && is_over(last_read_, options.early_after)) answer_early();
  // A client that does not read has bytes waiting: it needs no more.
  if (now >= pulse_.due(last_write_) && out_.empty() && filter_.at_boundary()) {
    std::string beat;
    filter_.heartbeat(options.heartbeat, options.heartbeat_event, beat);
    put(beat);
    route_.counters.heartbeats.add();
    last_write_ = now;
    exchange_.wake();
  }
  arm(now);
}

}  // namespace sluice::relay
