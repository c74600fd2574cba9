// ReaderStream: the one whose own request was sent upstream. Its body, and what comes of it where
// the answer is no stream.

#include <utility>

#include "gateway/relay/reader_stream.h"
#include "gateway/relay/response_head.h"

namespace sluice::relay {

void ReaderStream::let_source_go() {
  if (source_ == nullptr) return;
  std::exchange(source_, nullptr)->forget_asker(upload_.is_sent());
}

// --- The body -----------------------------------------------------------------------------------

void ReaderStream::on_body(std::string_view bytes) {
  if (http::Answer* const other = tenure_.instead()) return other->on_body(bytes);
  if (!upload_.is_open() || source_ == nullptr) return exchange_.consume(bytes.size());
  if (!upload_.receive(bytes, route_)) {
    exchange_.consume(bytes.size());
    let_source_go();
    upload_.close();
    const Parting parting = body_too_large(route_.options.max_request_bytes);
    return state_ == State::waiting ? refuse(parting) : fail(parting);
  }
  if (tenure_.read_body(bytes)) arm(route_.loop.now());
  source_->wake_body();
}

void ReaderStream::on_body_end() {
  is_asked_ = true;
  if (http::Answer* const other = tenure_.instead()) return other->on_body_end();
  if (!upload_.is_open()) return;
  upload_.complete();
  if (source_ != nullptr) source_->wake_body();
}

void ReaderStream::give_body(std::span<std::byte> out) {
  if (out.empty()) return;
  upload_.take(out);
  exchange_.consume(out.size());
}

// --- An answer that is no stream ----------------------------------------------------------------

void ReaderStream::on_plain_answer(http::Response head, std::optional<std::uint64_t> length) {
  if (state_ == State::early) {
    state_ = State::late;
    tenure_.opening().late.begin(head.status, route_.loop.now());
    arm(route_.loop.now());
    return leave_log();
  }
  if (state_ != State::waiting) return let_source_go();
  state_ = State::plain;
  const http::Kind kind = kind_of_body(head.status, length);
  exchange_.respond(make_answer(route_.options, std::move(head), tenure_.opening().terms, false),
                    kind, length);
  settle();
  Deadline::cancel();
  leave_log();
}

void ReaderStream::on_plain_bytes(std::string_view bytes) {
  if (state_ == State::late) {
    source_->consume(bytes.size());
    if (tenure_.opening().late.add(bytes)) tell_late();
    return;
  }
  if (state_ != State::plain) return;
  put(bytes);
  unpaid_ += static_cast<std::uint32_t>(bytes.size());
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
  fail(tenure_.opening().late.parting());
}

}  // namespace sluice::relay
