#include "gateway/relay/source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/relay/failure.h"
#include "gateway/relay/response_head.h"
#include "gateway/sse/line_end.h"

namespace sluice::relay {
namespace {

/// Between two requests of one stream that has broken off: of who is asked, and of who is not there
/// and costs nothing (Upstream tries an address ten times a second at most).
constexpr Millis kMaxBackoff{30'000};
constexpr Millis kMaxBackoffUnreachable{5'000};
/// Behind the end of a connection: a process that dies closes it some microseconds before the port
/// at which it listens.
constexpr Millis kProbeAfter{50};
constexpr std::uint32_t kMaxRefusals = 10;
constexpr std::string_view kLastEventId = "last-event-id";

Parting parting_of_answer(int status) {
  return {.status = status,
          .kind = "upstream_answer",
          .what = fmt::format("the upstream answered {}", status)};
}

bool is_passing(int status) {
  return status == 408 || status == 429 || status >= 500;
}

}  // namespace

Source::Source(Setting setting, std::shared_ptr<Log> log, http::Outgoing request, Asker* asker)
    : setting_(std::move(setting)),
      log_(std::move(log)),
      call_(setting_.make_call(setting_.route, *this)),
      request_(std::move(request)),
      is_get_(request_.head.method == "GET"),
      asker_(asker),
      last_read_(setting_.route.loop.now()) {
  log_->home().belong_to(this);
  setting_.route.counters.sources.add();
}

Source::~Source() {
  call_->stop();
  log_->home().belong_to(nullptr);
  setting_.sources.remove(*log_, true);
  log_->close(false);
  setting_.route.counters.replay_bytes.sub(static_cast<std::int64_t>(noted_memory_));
  setting_.route.counters.sources.sub();
}

void Source::start() {
  const std::string* id = request_.head.headers.find(kLastEventId);
  if (id != nullptr) upstream_id_ = *id;
  must_resume_ = id != nullptr;
  call_->start(request_);
  arm();
}

void Source::forget_asker(bool is_body_complete) {
  asker_ = nullptr;
  if (state_ == State::plain || !is_body_complete) die();
}

void Source::consume(std::size_t n) {
  unpaid_ -= n;
  last_read_ = setting_.route.loop.now();  // It may have been we who did not let it speak.
  call_->consume(n);
}

http::Answer::Ready Source::body_ready(std::size_t max) {
  return asker_ == nullptr ? http::Answer::Ready{} : asker_->body_ready(max);
}

void Source::give_body(std::span<std::byte> out) {
  last_read_ = setting_.route.loop.now();  // Nobody answers a request that is still coming.
  if (asker_ != nullptr) asker_->give_body(out);
}

// --- What the upstream says ---------------------------------------------------------------------

void Source::on_answer(http::Response head, std::optional<std::uint64_t> length) {
  const TimePoint now = setting_.route.loop.now();
  const auto waited = std::chrono::duration<double>(now - last_read_);
  setting_.route.counters.first_byte.observe(waited.count());
  last_read_ = now;
  if (state_ == State::asking) {
    on_first_answer(std::move(head), length);
  } else {
    on_next_answer(head);
  }
  if (state_ != State::over) arm();
}

void Source::on_first_answer(http::Response head, std::optional<std::uint64_t> length) {
  if (is_event_stream(head)) {
    log_->open(std::make_shared<const http::Response>(std::move(head)));
    return begin_stream();
  }
  state_ = State::plain;
  setting_.sources.remove(*log_, true);
  // Those who waited with him ask by themselves.
  log_->finish(End::refused, parting_of_answer(head.status));
  if (asker_ == nullptr) return die();
  asker_->on_plain_answer(std::move(head), length);
}

void Source::on_next_answer(const http::Response& head) {
  if (is_event_stream(head)) {
    refusals_ = 0;
    setting_.route.counters.reconnects.add();
    begin_stream();
    // Without ids the upstream begins anew: what was sent meanwhile is lost.
    if (has_events_ && upstream_id_.empty()) add_gap(sse::GapReason::unknown, last_id(), 0);
    return flush();
  }
  call_->stop();
  // What tells an EventSource to stop (HTML §9.2.3), too.
  if (head.status == 204) return finish(End::clean);
  setting_.route.counters.failed_answer.add();
  log::debug("route {}: a stream that broke off was asked for again, and answered {}",
             setting_.route.options.name, head.status);
  if (is_passing(head.status) && ++refusals_ < kMaxRefusals) return come_back_later(kMaxBackoff);
  finish(End::broken, parting_of_answer(head.status));
}

void Source::begin_stream() {
  state_ = State::live;
  parser_ = std::make_unique<sse::Parser>(
      sse::Parser::Sink{
          .on_message = [this](sse::Message&& message) { on_message(std::move(message)); },
          .on_retry = [this](Millis retry) { on_retry(retry); },
          .on_overflow = [this] { on_overflow(); },
          .on_lone_id = [this](const std::string& id) { on_lone_id(id); }},
      setting_.route.options.max_event_bytes);
}

void Source::on_bytes(std::string_view bytes) {
  setting_.route.counters.bytes_in.add(bytes.size());
  last_read_ = setting_.route.loop.now();
  if (state_ == State::plain) {
    unpaid_ += bytes.size();
    if (asker_ != nullptr) asker_->on_plain_bytes(bytes);
    return;
  }
  failures_ = 0;
  if (held_.empty()) {
    const std::size_t taken = feed_some(bytes);
    flush();
    call_->consume(taken);
    bytes.remove_prefix(taken);
  }
  held_ += bytes;
}

void Source::digest() {
  if (held_.empty()) return;
  last_read_ = setting_.route.loop.now();  // It was we who did not let it speak.
  const std::size_t taken = feed_some(held_);
  flush();
  held_.erase(0, taken);
  if (held_.empty()) held_ = std::string();
  call_->consume(taken);
  if (held_.empty()) settle();
}

std::size_t Source::feed_some(std::string_view bytes) {
  const std::size_t all = bytes.size();
  while (!bytes.empty()) {
    flush();
    const Log::Room room = log_->room();
    if (room.is_none()) break;
    bytes.remove_prefix(fill(room, bytes));
  }
  return all - bytes.size();
}

/// What surely fits; near the bound a line at a time, which ends at most one event.
std::size_t Source::fill(const Log::Room& room, std::string_view bytes) {
  // The shortest event, and what its wire is longer by than what it was made of.
  constexpr std::size_t kShortest = 6;
  constexpr std::size_t kOurs = 12;
  const std::size_t longer = kOurs + (is_named() ? 0 : sticky_id_.size());
  const std::uint64_t next = next_;
  const std::uint64_t made = made_;
  std::size_t fed = 0;
  while (fed < bytes.size() && next_ - next < room.events && made_ - made < room.bytes) {
    const std::size_t surely = std::min((room.events - (next_ - next) - 1) / kShortest,
                                        (room.bytes - (made_ - made)) / longer);
    const std::string_view rest = bytes.substr(fed);
    const std::size_t line = sse::find_line_end(rest);
    const std::size_t least = line == std::string_view::npos ? rest.size() : line + 1;
    const std::size_t n = std::min(rest.size(), std::max(surely, least));
    parser_->feed(rest.substr(0, n));
    fed += n;
  }
  return fed;
}

void Source::on_complete(bool until_close) {
  if (state_ == State::plain) {
    if (asker_ != nullptr) asker_->on_plain_end();
    return die();
  }
  ending_ = until_close ? Ending::until_close : Ending::complete;
  if (held_.empty()) settle();
}

void Source::on_broken(const Broken& broken) {
  count_failure(setting_.route.counters, broken.failure);
  log::debug("route {}: {}", setting_.route.options.name, broken.what);
  if (state_ == State::plain) {
    if (asker_ != nullptr) asker_->on_plain_broken();
    return die();
  }
  failure_ = broken.failure;
  cause_ = broken.what;
  if (state_ == State::asking) return finish(End::broken, parting_of(failure_, cause_));
  ending_ = Ending::broken;
  if (held_.empty()) settle();
}

/// The answer has ended, and all of it is in the log.
void Source::settle() {
  const Ending ending = std::exchange(ending_, Ending::none);
  if (ending == Ending::none) return;
  if (ending == Ending::broken) {
    if (!is_get_) return finish(End::broken, parting_of(failure_, cause_));
    return come_back_later(failure_ == Failure::connect ? kMaxBackoffUnreachable : kMaxBackoff);
  }
  if (is_get_ && setting_.route.options.on_end == OnEnd::reconnect) {
    return come_back_later(kMaxBackoff);
  }
  if (ending == Ending::complete || !is_get_) return finish(End::clean);
  state_ = State::probing;
  retry_at_ = setting_.route.loop.now() + kProbeAfter;
  arm();
}

void Source::probe() {
  retry_at_ = TimePoint::max();
  call_->probe();
}

void Source::on_probe(bool is_there) {
  if (state_ != State::probing) return;
  if (is_there) return finish(End::clean);
  come_back_later(kMaxBackoffUnreachable);
}

bool Source::on_wanted() {
  // A reader may just have come back.
  if (!log_->close(true)) return false;
  log::debug("route {}: a stream without readers gave way to a request that waited",
             setting_.route.options.name);
  die();
  return true;
}

// --- Coming back, and the end -------------------------------------------------------------------

void Source::come_back_later(Millis most) {
  state_ = State::away;
  const Millis wait = std::min(std::max(most, retry_), retry_ * (1 << std::min(failures_, 15U)));
  ++failures_;
  retry_at_ = setting_.route.loop.now() + wait + jitter(Millis(0), wait / 4);
  arm();
}

void Source::ask_again() {
  retry_at_ = TimePoint::max();
  state_ = State::asking_again;
  last_read_ = setting_.route.loop.now();
  http::Outgoing request{.head = request_.head};
  request.head.headers = {};
  for (const http::Field& field : request_.head.headers) {
    if (field.name != kLastEventId) request.head.headers.add(field.name, field.value);
  }
  if (!upstream_id_.empty()) {
    request.head.headers.add(std::string(kLastEventId), upstream_id_);
  }
  call_->start(std::move(request));
}

void Source::finish(End end, Parting parting) {
  call_->stop();
  state_ = State::over;
  setting_.sources.remove(*log_, false);
  log_->finish(end, std::move(parting));
  // Who comes back for the rest finds it as long as the stream would have waited for him.
  const bool is_kept = is_named() && has_events_;
  if (!is_kept) return die();
  on_ring();
}

/// Nobody joins from now on; who reads, reads what is there.
void Source::die() {
  if (std::exchange(is_dead_, true)) return;
  if (call_->is_open()) setting_.route.counters.cancelled.add();
  call_->stop();
  state_ = State::over;
  if (asker_ != nullptr) std::exchange(asker_, nullptr)->on_source_gone();
  Deadline::cancel();
  setting_.sources.remove(*log_, true);
  log_->close(false);
  setting_.bury(*this);
}

/// How long it waits for readers when there are none.
Millis Source::linger() const {
  const RouteOptions& route = setting_.route.options;
  const Log::Setting& log = log_->setting();
  const bool is_told = route.on_disconnect == OnDisconnect::cancel;
  const Millis replay = is_told ? Millis(0) : route.replay.linger;
  if (!log.is_exclusive) {
    return is_named() ? std::max(route.share.linger, replay) : route.share.linger;
  }
  // Nobody can come back to a stream of which he has no id.
  return log.is_posted || log_->was_handed() ? replay : Millis(0);
}

void Source::on_ring() {
  if (state_ == State::plain || is_dead_) return;
  if (log_->is_closed()) return die();
  note_memory();
  setting_.sources.relax();
  if (log_->readers() > 0) {
    idle_until_ = TimePoint::max();
    call_->offer(false);
  } else if (idle_until_ == TimePoint::max()) {
    const Millis wait = linger();
    if (wait <= Millis(0) && log_->close(true)) return die();
    idle_until_ = setting_.route.loop.now() + wait;
    call_->offer(true);
  }
  digest();
  if (!log_->is_closed()) arm();
}

Millis Source::patience() const {
  const RouteOptions& route = setting_.route.options;
  if (is_asking()) return route.first_byte_timeout;
  const bool is_reading = (state_ == State::live && held_.empty()) || state_ == State::plain;
  return is_reading ? route.silence_timeout : Millis(0);
}

void Source::arm() {
  TimePoint due = std::min(retry_at_, idle_until_);
  if (patience() > Millis(0)) due = std::min(due, last_read_ + patience());
  if (due == TimePoint::max()) return Deadline::cancel();
  setting_.route.loop.wheel().arm(*this, due);
}

void Source::on_deadline(TimePoint now) {
  if (now >= idle_until_) {
    idle_until_ = TimePoint::max();
    if (log_->close(true)) return die();
  }
  if (now >= retry_at_) state_ == State::probing ? probe() : ask_again();
  if (unpaid_ > 0) last_read_ = now;
  if (patience() > Millis(0) && now >= last_read_ + patience()) {
    call_->stop();
    return on_broken(
        {.failure = Failure::timeout,
         .what = is_asking() ? "the upstream did not answer in time" : "the upstream fell silent"});
  }
  arm();
}

}  // namespace sluice::relay
