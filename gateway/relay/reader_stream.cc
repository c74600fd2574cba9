#include "gateway/relay/reader_stream.h"

#include <algorithm>
#include <utility>

#include "gateway/base/random.h"
#include "gateway/relay/last_word.h"
#include "gateway/relay/response_head.h"
#include "gateway/relay/upstream.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {
ReaderStream::ReaderStream(Setting setting, http::Exchange& exchange, const http::Request& request,
                           Terms terms)
    : route_(setting.route),
      open_plainly_(setting.open_plainly),
      sweep_(setting.sweep),
      exchange_(exchange),
      tenure_(request, std::move(terms), setting.route.memory.openings),
      upload_(request.has_body),
      joining_(std::make_unique<Joining>(Joining{.request = request})),
      begun_(setting.route.loop.now()),
      opened_(http::whole_seconds(begun_)),
      is_get_(request.method == "GET") {
  route_.counters.open.add();
  if (http::Account* const account = exchange_.account()) {
    account->upstream = route_.upstream.options().name;
  }
}

ReaderStream::~ReaderStream() {
  let_source_go();
  if (has_given_end_ && reader_ != nullptr && reader_->is_at_end()) reader_->told_end();
  if (is_event_stream_) route_.counters.event_streams.sub();
  if (tenure_.instead() == nullptr) route_.counters.open.sub();
  leave_log();
}

void ReaderStream::leave_log() {
  if (reader_ == nullptr) return;
  reader_.reset();
  sweep_();
}

void ReaderStream::read(View& view, Place place) {
  joining_->is_joined = source_ == nullptr;
  joining_->is_late = joining_->is_joined && view.log().next() > 1;
  if (joining_->is_joined) route_.counters.joined.add();
  if (place.is_resumed) route_.counters.resumed.add();
  reader_ = std::make_unique<Reader>(view, static_cast<ReaderOwner&>(*this), std::move(place),
                                     route_.options.slow, route_.counters);
  if (view.head() != nullptr || view.end() != End::none) {
    on_news();
  } else {
    arm(begun_);
  }
}

// --- What becomes of it -------------------------------------------------------------------------

void ReaderStream::on_news() {
  if (state_ == State::waiting || state_ == State::early) {
    const View& view = reader_->view();
    if (view.head() != nullptr) {
      open_stream();
    } else if (view.end() == End::refused) {
      if (state_ == State::early) return fail(Parting(view.parting()));
      if (source_ != nullptr) return;  // The answer itself comes.
      return view.log().setting().is_posted ? refuse(no_such_stream()) : hand_over();
    } else if (view.end() != End::none) {
      if (state_ == State::early && view.end() == End::clean) return finish();  // It was stopped.
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
    http::Response answer =
        make_answer(route_.options, joining_->is_joined ? without_cookies(head) : head,
                    tenure_.opening().terms, true);
    if (log.setting().is_posted) answer.headers.add("sluice-stream-id", log.setting().name);
    begin_stream();
    exchange_.respond(std::move(answer), http::Kind::event_stream);
  }
  if (joining_->is_late && log.retry() > Millis(0)) put(sse::retry_line(log.retry()));
  state_ = State::open;
  settle();
  arm(route_.loop.now());
}

bool ReaderStream::admit() {
  if (tenure_.admit()) return true;
  // Nobody was told its name, so nobody comes back for what this one's request has begun.
  if (source_ != nullptr && reader_->view().log().setting().is_exclusive) {
    std::exchange(source_, nullptr)->forget_asker(false);
  }
  let_source_go();
  give_place();
  exchange_.wake();
  return false;
}

void ReaderStream::begin_stream() {
  is_event_stream_ = true;
  route_.counters.event_streams.add();
  route_.streams.push_back(*this);
  put(pulse_.begin(route_.options));
}

void ReaderStream::answer_early() {
  if (!admit()) return;
  http::Response head = early_head(route_.options, tenure_.opening().terms);
  const Log::Setting& log = reader_->view().log().setting();
  if (log.is_posted) head.headers.add("sluice-stream-id", log.name);
  state_ = State::early;
  begin_stream();
  route_.counters.early_answers.add();
  exchange_.respond(std::move(head), http::Kind::event_stream);
}

void ReaderStream::settle() {
  tenure_.settle();
  joining_.reset();
}

/// It is not this one who answers.
void ReaderStream::give_place() {
  Deadline::cancel();
  leave_log();
  joining_.reset();
  route_.counters.open.sub();
  state_ = State::ending;
}

/// The one who asked has got no stream: everybody asks by himself.
void ReaderStream::hand_over() {
  const auto joining = std::move(joining_);
  give_place();
  tenure_.give_to(
      open_plainly_(route_, joining->request, exchange_, std::move(tenure_.opening().terms)));
  if (is_asked_) tenure_.instead()->on_body_end();
  exchange_.wake();
}

void ReaderStream::tell_upstream_failed(const Parting& parting) {
  if (!parting.kind.starts_with("upstream")) return;
  tell_failure(exchange_, parting);
}

void ReaderStream::refuse(const Parting& parting) {
  tell_upstream_failed(parting);
  LastAnswer answer = last_answer(route_.options, route_.retry, tenure_.opening(), parting);
  if (answer.head.status == 200) http::tell_ending(exchange_, http::Ending::parked);
  exchange_.respond(std::move(answer.head), http::Kind::finite, answer.body.size());
  put(answer.body);
  finish();
}

void ReaderStream::fail(const Parting& parting) {
  tell_upstream_failed(parting);
  const bool can_tell =
      state_ != State::plain && (route_.options.errors != ErrorForm::reset || is_begun());
  if (!can_tell) return break_off();
  put(last_event(route_.options, parting));
  route_.counters.error_events.add();
  finish();
}

/// Behind `text_` nothing comes.
void ReaderStream::finish() {
  state_ = State::ending;
  is_event_stream_ ? tenure_.settle() : tenure_.drop_opening();
  joining_.reset();
  ListHook<StreamTag>::unlink();
  Deadline::cancel();
  exchange_.wake();
}

void ReaderStream::on_superseded() {
  http::tell_ending(exchange_, http::Ending::superseded);
  break_off();
}

void ReaderStream::break_off() {
  state_ = State::broken;
  ListHook<StreamTag>::unlink();
  // An exchange must not be ended from inside its own functions.
  route_.loop.wheel().arm(*this, route_.loop.now());
}

void ReaderStream::end(Millis retry, http::Ending why) {
  // What a POST has begun is not asked for again.
  if (!is_get_ || !is_streaming()) return;
  http::tell_ending(exchange_, why);
  route_.counters.drained.add();
  put(sse::retry_line(retry));
  finish();
}

void ReaderStream::end_in_order() {
  if (http::Answer* const other = tenure_.instead()) return other->end_in_order();
  end(jitter(route_.retry.min, route_.retry.max), http::Ending::connection_age);
}

void ReaderStream::cut(Millis retry, http::Ending why) {
  if (!is_streaming()) return;
  if (is_get_) return end(retry, why);
  http::tell_ending(exchange_, why);
  fail(cut_off(why));
}

void ReaderStream::on_too_slow() {
  http::tell_ending(exchange_, http::Ending::slow);
  put(sse::retry_line(jitter(route_.retry.min, route_.retry.max)));
  finish();
}

Stream::Facts ReaderStream::facts() const {
  return {.exchange = exchange_,
          .route = route_.options.name,
          .client = tenure_.client(),
          .bytes = sent_,
          .begun = TimePoint(std::chrono::seconds(opened_)),
          .may_return = is_get_};
}

http::Progress ReaderStream::progress() const {
  if (const http::Answer* const other = tenure_.instead()) return other->progress();
  if (reader_ == nullptr) return {.queued = text_.size()};
  return {.events = reader_->taken(),
          .gaps = reader_->gaps(),
          .behind = reader_->behind(),
          .queued = reader_->waiting_bytes() + text_.size()};
}

// --- The answer, as it leaves -------------------------------------------------------------------

http::Answer::Ready ReaderStream::ready_events(std::size_t max) {
  const Reader::Ready events = reader_->is_resting() ? Reader::Ready{} : reader_->ready(max);
  if (state_ != State::open || !text_.empty()) return {};  // It was too slow.
  const End end = reader_->view().end();
  if (end == End::none) return {.bytes = events.bytes, .last = false, .is_all = events.is_all};
  if (!events.is_all && !reader_->is_at_end()) return {.bytes = events.bytes};
  if (end == End::clean) {
    if (!std::exchange(has_given_end_, true)) {
      http::tell_ending(exchange_, http::Ending::upstream_end);
    }
    return {.bytes = events.bytes, .last = true};
  }
  if (events.bytes == 0) fail(Parting(reader_->view().parting()));
  return {.bytes = events.bytes};
}

http::Answer::Ready ReaderStream::ready(std::size_t max) {
  if (http::Answer* const other = tenure_.instead()) return other->ready(max);
  if (state_ == State::open && text_.empty()) {
    const Ready events = ready_events(max);
    if (state_ == State::open && text_.empty()) return events;
  }
  if (state_ == State::broken) return {};
  const bool is_ending = state_ == State::ending || has_ended_;
  const std::size_t bytes = rest_of_event() + text_.size();
  return {.bytes = std::min(bytes, max), .last = is_ending && bytes <= max};
}

void ReaderStream::take(std::span<std::byte> out) {
  if (http::Answer* const other = tenure_.instead()) return other->take(out);
  begun_ = route_.loop.now();
  sent_ += out.size();
  route_.counters.bytes_out.add(out.size());
  if (!text_.empty()) {
    const std::size_t rest = std::min(rest_of_event(), out.size());
    if (rest > 0) reader_->take(out.first(rest));
    out = take_text(out.subspan(rest));
  }
  if (!out.empty()) reader_->take(out);
}

std::span<std::byte> ReaderStream::take_text(std::span<std::byte> out) {
  const auto text = out.first(std::min(text_.size(), out.size()));
  text_.take(text);
  if (text_.empty() && unpaid_ > 0) {
    const std::uint32_t unpaid = std::exchange(unpaid_, 0);
    if (source_ != nullptr) source_->consume(unpaid);
  }
  return out.subspan(text.size());
}

// --- Time ---------------------------------------------------------------------------------------

bool ReaderStream::may_answer_early() const {
  return state_ == State::waiting && route_.options.early_after > Millis(0) &&
         tenure_.opening().may_be_early();
}

void ReaderStream::arm(TimePoint now) {
  TimePoint due = TimePoint::max();
  if (may_answer_early()) due = begun_ + route_.options.early_after;
  if (state_ == State::late) due = tenure_.opening().late.due();
  if (is_streaming()) due = std::min({due, tenure_.ends(), tenure_.retires(), pulse_.due(begun_)});
  if (due < TimePoint::max()) route_.loop.wheel().arm(*this, std::max(due, now));
}

void ReaderStream::on_deadline(TimePoint now) {
  if (state_ == State::broken) return exchange_.abort();
  if (state_ == State::late && now >= tenure_.opening().late.due()) return tell_late();
  if (is_streaming() && now >= tenure_.ends()) {
    return cut(jitter(route_.retry.min, route_.retry.max), http::Ending::expired);
  }
  if (is_streaming() && now >= tenure_.retires()) {
    return end(jitter(route_.retry.min, route_.retry.max), http::Ending::stream_age);
  }
  if (may_answer_early() && now >= begun_ + route_.options.early_after) answer_early();
  // A client that does not read has bytes waiting: it needs no more.
  const bool is_blocked = !text_.empty() || rest_of_event() > 0;
  if (is_streaming() && now >= pulse_.due(begun_)) {
    begun_ = now;
    if (!is_blocked) {
      std::string beat;
      append_heartbeat(route_.options.heartbeat, route_.options.heartbeat_event, beat);
      put(beat);
      route_.counters.heartbeats.add();
      exchange_.wake();
    }
  }
  arm(now);
}

}  // namespace sluice::relay
