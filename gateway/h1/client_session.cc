// The half of ClientSession that reads answers, and what begins and ends calls.

#include "gateway/h1/client_session.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/h1/answer_head.h"
#include "gateway/h1/client_opening.h"
#include "gateway/h1/outgoing_head.h"

namespace sluice::h1 {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ClientSession::ClientSession(Transport& transport, http::ClientOwner& owner, Setting& setting)
    : transport_(transport), owner_(owner), setting_(setting), since_(setting.clock.now()) {}

std::size_t ClientSession::opening_size() {
  return sizeof(Opening);
}

ClientSession::~ClientSession() {
  is_closing_ = true;
  if (caller_ != nullptr) fail(http::CallError::closed, "the connection is gone");
  owner_.on_gone(*this);
}

// ---- Calls ----

http::Call& ClientSession::call(http::Outgoing request, http::Caller& caller) {
  SLUICE_ASSERT(can_call(), "a call on a connection that takes none");
  caller_ = &caller;
  ++calls_made_;
  setting_.counters.calls.add();
  setting_.counters.open_calls.add();
  if (calls_made_ > 1) setting_.counters.reused.add();
  opening_ = make_in<Opening>(setting_.openings);
  opening_->is_head = request.head.method == "HEAD";
  if (request.head.has_body) {
    opening_->body = request.body_length ? Sending::length : Sending::chunked;
    opening_->rest = request.body_length.value_or(0);
  }
  if (!write_outgoing_head(request, opening_->text)) opening_->text.clear();
  reading_ = Reading::head;
  sending_ = Sending::head;
  has_sent_ = false;
  transport_.flush_later();
  return *this;
}

void ClientSession::wake() {
  if (sending_ != Sending::done) transport_.flush_later();
}

void ClientSession::consume(std::size_t n) {
  const bool was_full = unpaid_ >= setting_.options.unpaid_bytes;
  unpaid_ -= static_cast<std::uint32_t>(std::min<std::size_t>(n, unpaid_));
  if (was_full && wants_read()) transport_.flush_later();
}

void ClientSession::cancel() {
  if (caller_ == nullptr) return;
  setting_.counters.cancelled.add();
  let_go();
  close();
}

void ClientSession::retire() {
  if (takes_no_more_) return;
  takes_no_more_ = true;
  has_changed_ = true;
  if (caller_ == nullptr) {
    close();
  } else {
    transport_.flush_later();
  }
}

// ---- The answer ----

void ClientSession::feed(std::span<const std::byte> bytes) {
  read(as_text(bytes));
  settle();
}

void ClientSession::read(std::string_view input) {
  while (!input.empty() && !is_closing_) {
    if (!has_sent_ || caller_ == nullptr) return end_at_stray();
    switch (reading_) {
      case Reading::head:
        read_head(input);
        break;
      case Reading::chunked:
        read_chunks(input);
        break;
      case Reading::length:
      case Reading::until_close:
        read_plain(input);
        break;
    }
  }
}

void ClientSession::read_head(std::string_view& input) {
  using http::CallError;
  HeadText& text = opening_->head;
  switch (text.take(input, setting_.options.header_bytes)) {
    case HeadText::Step::more:
      return;
    case HeadText::Step::blank:
      return fail(CallError::malformed, "an empty line where an answer should begin");
    case HeadText::Step::too_large:
      return fail(CallError::too_large, "head too large");
    case HeadText::Step::bare_lf:
      return fail(CallError::malformed, "line without CR");
    case HeadText::Step::complete:
      break;
  }
  AnswerHead head;
  const auto fault = read_answer_head(text.text(), setting_.options.header_fields, head);
  text.clear();
  if (fault) return fail(fault->error, fault->what);
  if (head.response.status >= 200) return begin_answer(head, input);
  if (++opening_->informational > setting_.options.informational) {
    fail(CallError::malformed, "too many heads of 1xx");
  }
}

void ClientSession::begin_answer(AnswerHead& head, std::string_view input) {
  const int status = head.response.status;
  if (status == 204) head.content_length.reset();
  if (opening_->is_head || status == 204 || status == 304) {
    reading_ = Reading::length;
    rest_ = 0;
  } else if (head.is_chunked) {
    reading_ = Reading::chunked;
    chunks_ = {};
  } else if (head.content_length) {
    reading_ = Reading::length;
    rest_ = *head.content_length;
  } else {
    reading_ = Reading::until_close;
    head.keep_alive = false;
  }
  if (!head.keep_alive) takes_no_more_ = has_changed_ = true;
  caller_->on_head(std::move(head.response), head.content_length);
  if (caller_ != nullptr && reading_ == Reading::length && rest_ == 0) end_answer(input, false);
}

void ClientSession::read_chunks(std::string_view& input) {
  const std::string_view piece = chunks_.next(input);
  if (!piece.empty()) return give(piece);
  if (chunks_.is_bad()) return fail(http::CallError::malformed, "malformed chunked body");
  if (chunks_.is_done()) end_answer(input, false);
}

void ClientSession::read_plain(std::string_view& input) {
  std::string_view piece = input;
  if (reading_ == Reading::length) {
    piece = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(rest_, input.size())));
    rest_ -= piece.size();
  }
  input.remove_prefix(piece.size());
  give(piece);
  if (caller_ != nullptr && reading_ == Reading::length && rest_ == 0) end_answer(input, false);
}

void ClientSession::give(std::string_view bytes) {
  unpaid_ += static_cast<std::uint32_t>(bytes.size());
  caller_->on_bytes(bytes);
}

bool ClientSession::wants_read() const {
  return is_closing_ || unpaid_ < setting_.options.unpaid_bytes;
}

void ClientSession::on_eof() {
  if (is_closing_) return;
  if (caller_ == nullptr) {
    close();
  } else if (reading_ == Reading::until_close) {
    end_answer({}, true);
  } else {
    fail(http::CallError::closed, reading_ == Reading::head
                                      ? "the connection ended before the answer's head did"
                                      : "the connection ended before the answer's body did");
  }
  settle();
}

// ---- Ends ----
// The caller may make its next call from inside on_end(): nothing may be touched behind that.

/// The answer is complete, and `input` came behind it.
void ClientSession::end_answer(std::string_view input, bool until_close) {
  const bool is_sent = sending_ == Sending::done || sending_ == Sending::tail;
  const bool is_kept = is_sent && !takes_no_more_;
  if (!is_sent) setting_.counters.early.add();
  if (is_kept && !input.empty()) setting_.counters.strays.add();
  http::Caller& caller = let_go();
  if (!is_kept || !input.empty()) close();
  caller.on_end(until_close);
}

void ClientSession::end_at_stray() {
  setting_.counters.strays.add();
  if (caller_ == nullptr) return close();
  fail(http::CallError::closed, "the server spoke before it was asked");
}

void ClientSession::fail(http::CallError error, std::string_view what) {
  const http::CallFailure failure{.error = error, .is_untouched = !has_sent_, .what = what};
  setting_.counters.failures.add();
  if (error != http::CallError::closed) setting_.counters.malformed.add();
  http::Caller& caller = let_go();
  close();
  caller.on_failure(failure);
}

/// From here on no call is open. The Opening stays: who called us may still be looking at it.
http::Caller& ClientSession::let_go() {
  setting_.counters.open_calls.sub();
  has_changed_ = true;
  unpaid_ = 0;
  sending_ = Sending::done;
  since_ = setting_.clock.now();
  return *std::exchange(caller_, nullptr);
}

void ClientSession::close() {
  if (is_closing_) return;
  is_closing_ = true;
  has_changed_ = true;
  transport_.flush_later();
}

/// What must not happen inside another call: the end of each entry that is not the owner's.
void ClientSession::settle() {
  const bool is_opening =
      caller_ != nullptr && (reading_ == Reading::head || sending_ != Sending::done);
  if (opening_ && !is_opening) opening_.reset();
  if (std::exchange(has_changed_, false)) owner_.on_change(*this);
}

TimePoint ClientSession::check(TimePoint now) {
  if (caller_ != nullptr || is_closing_) return now + setting_.options.idle_timeout;
  const TimePoint due = since_ + setting_.options.idle_timeout;
  if (now < due) return due;
  setting_.counters.idle_timeouts.add();
  close();
  settle();
  return now + setting_.options.idle_timeout;
}

}  // namespace sluice::h1
