#include "gateway/h1/session.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/h1/response_head.h"

namespace sluice::h1 {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Session::Session(Transport& transport, http::Service& service, http::Connection info,
                 const Options& options, Counters& counters, const Clock& clock)
    : transport_(transport),
      service_(service),
      options_(options),
      counters_(counters),
      counted_(counters.open_sessions),
      clock_(clock),
      connection_(std::move(info)),
      parser_({.header_bytes = options.header_bytes, .header_fields = options.header_fields}),
      since_(clock.now()),
      retires_at_(sluice::retires_at(options.retirement, since_, connection_.id)) {}

Session::~Session() {
  if (answer_) counters_.aborted.add();
  settle_ending(http::ending_of(transport_.state().hangup));
  drop_answer();
}

// ---- Requests ----

void Session::feed(std::span<const std::byte> bytes) {
  if (is_closing_ || current_.is_cut) return;
  std::string_view input = as_text(bytes);
  if (input_.empty()) {
    advance(input);
    if (!is_closing_) input_.assign(input);
  } else {
    input_.append(input);
    advance_kept_input();
  }
  settle();
}

void Session::advance_kept_input() {
  std::string_view input = input_;
  advance(input);
  input_.erase(0, input_.size() - input.size());
  look_at_eof();
}

/// Parses until the request at the front waits for its answer.
void Session::advance(std::string_view& input) {
  while (!is_closing_ && !current_.body_done && !current_.is_cut) {
    if (parser_.is_between() && !input.empty()) since_ = clock_.now();
    switch (parser_.next(input)) {
      case RequestParser::Event::more:
        return;
      case RequestParser::Event::head:
        open_exchange();
        break;
      case RequestParser::Event::body:
        on_body(parser_.body());
        break;
      case RequestParser::Event::end:
        on_body_end();
        break;
      case RequestParser::Event::refused:
        counters_.refused.add();
        refuse(parser_.refusal());
        break;
    }
  }
}

void Session::open_exchange() {
  Head head = std::move(parser_.head());
  head.request.scheme = connection_.is_tls ? "https" : "http";
  current_ = {.is_open = true,
              .minor_version = head.minor_version,
              .is_head = head.request.method == "HEAD",
              .waits_for_continue = head.expects_continue,
              .keep_alive = head.keep_alive};
  since_ = clock_.now();
  has_served_ = true;
  ++requests_;
  ending_ = http::Ending::none;
  ++connection_.open_exchanges;
  counters_.requests.add();
  counters_.open_exchanges.add();
  answer_ = service_.open(head.request, *this);
  SLUICE_ASSERT(answer_ != nullptr, "a service opened an exchange without an answer");
  if (current_.waits_for_continue && !current_.has_responded) {
    text_.append("HTTP/1.1 100 Continue\r\n\r\n");
    current_.waits_for_continue = false;
  }
}

void Session::on_body(std::string_view bytes) {
  since_ = clock_.now();
  if (answer_) {
    current_.unconsumed += bytes.size();
    answer_->on_body(bytes);
  } else {
    current_.discarded += bytes.size();
    if (current_.discarded > options_.discard_bytes) close();
  }
}

void Session::on_body_end() {
  current_.body_done = true;
  if (answer_) {
    answer_->on_body_end();
  } else {
    end_exchange();
  }
}

/// Answers in the place of the service, and ends the connection.
void Session::refuse(Refusal refusal) {
  if (current_.has_responded) {  // Too late for another status.
    current_.is_cut = true;
    if (!answer_) close();
    return;
  }
  if (answer_) counters_.aborted.add();
  settle_ending(refusal.status == 408 ? http::Ending::timeout : http::Ending::protocol_error);
  drop_answer();
  const std::string body = std::string(refusal.reason) + "\n";
  write_head({.status = refusal.status, .headers = {{"content-type", "text/plain; charset=utf-8"}}},
             {.content_length = body.size()}, clock_.wall(), text_);
  text_ += body;
  close();
}

// ---- Ends ----

void Session::end_answer() {
  settle_ending(http::Ending::complete);
  drop_answer();
  if (current_.body_done) {
    end_exchange();
  } else if (current_.framing == Framing::until_close || current_.waits_for_continue ||
             current_.is_cut) {
    close();  // Nothing more will come, or its end can only be told like this.
  } else {
    since_ = clock_.now();
  }
}

void Session::end_exchange() {
  const bool keep_alive = current_.keep_alive && !takes_no_more_;
  current_ = {};
  since_ = clock_.now();
  if (!keep_alive) close();
}

void Session::drop_answer() {
  if (!answer_) return;
  if (current_.is_event_stream) --connection_.event_streams;
  --connection_.open_exchanges;
  counters_.open_exchanges.sub();
  answer_.reset();
}

void Session::close() {
  is_closing_ = true;
  transport_.flush_later();
}

void Session::on_eof() {
  saw_eof_ = true;
  look_at_eof();
  settle();
}

void Session::look_at_eof() {
  if (!saw_eof_ || is_closing_) return;
  if (!current_.is_open) return close();
  const bool is_reader =
      current_.is_event_stream || (answer_ != nullptr && answer_->ends_with_client());
  if (!is_reader && current_.body_done) return;
  settle_ending(http::Ending::client_left);
  abort();  // A cut request is nobody's, too.
}

/// Destroys what could not be destroyed inside its own calls.
void Session::settle() {
  if (!is_closing_) return;
  input_.clear();
  if (!is_aborted_) return;
  if (answer_) counters_.aborted.add();
  drop_answer();
  text_.clear();
  text_sent_ = 0;
}

bool Session::wants_read() const {
  return is_closing_ || (input_.size() <= options_.pipelined_bytes &&
                         current_.unconsumed <= options_.unconsumed_bytes);
}

bool Session::is_finished() const {
  return is_closing_ && (is_aborted_ || (!answer_ && text_.empty()));
}

std::optional<TimePoint> Session::idle_since() const {
  const bool is_idle = !current_.is_open && text_.empty();
  return is_idle && !is_closing_ && !takes_no_more_ ? std::optional(since_) : std::nullopt;
}

void Session::drain_finish() {
  is_draining_ = true;
  takes_no_more_ = true;
  if (!current_.is_open) close();
}

// ---- Time limits ----

TimePoint Session::check(TimePoint now) {
  // Another limit may begin to count before we are asked again: so we look often enough for the
  // shortest of them, and it strikes late by half of itself at most.
  const TimePoint regular = now + options_.head_timeout / 2;
  if (is_closing_) return regular;
  if (now >= retires_at_) retire();
  const auto due = deadline();
  if (!due) return regular;
  if (now < due->at) return std::min(due->at, regular);
  (this->*due->expire)();
  settle();
  return regular;
}

void Session::retire() {
  counters_.retired.add();
  retires_at_ = TimePoint::max();
  is_draining_ = true;
  if (!answer_ || !current_.is_event_stream) return;
  takes_no_more_ = true;
  answer_->end_in_order();
}

std::optional<Session::Deadline> Session::deadline() const {
  if (!current_.is_open) {
    if (parser_.is_between()) return Deadline{since_ + options_.idle_timeout, &Session::close};
    return Deadline{since_ + options_.head_timeout, &Session::expire_head};
  }
  if (blocked_since_) {
    return Deadline{*blocked_since_ + options_.stalled_stream, &Session::expire_stalled};
  }
  const bool has_begun = answer_ && current_.has_responded;
  if (current_.body_done || has_begun || !wants_read()) return std::nullopt;
  return Deadline{since_ + options_.body_timeout, &Session::expire_body};
}

void Session::expire_head() {
  counters_.timeouts.add();
  refuse({408, "the request took too long"});
}

void Session::expire_body() {
  counters_.timeouts.add();
  refuse({408, "the request's body took too long"});
}

void Session::expire_stalled() {
  counters_.timeouts.add();
  settle_ending(http::Ending::stalled);
  abort();
}

}  // namespace sluice::h1
