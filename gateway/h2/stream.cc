#include "gateway/h2/stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/h2/handles.h"
#include "gateway/http/answers.h"

namespace sluice::h2 {
namespace {

constexpr std::size_t kFrameHeader = 9;
/// A frame that gets less than this of a record waits for the next record, unless it fits in full.
constexpr std::size_t kWorthwhile = 256;

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 copies both; its interface only forgot the const.
  return {const_cast<std::uint8_t*>(as_octets(name.data())),
          const_cast<std::uint8_t*>(as_octets(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

bool has_no_body(int status) {
  return status == 204 || status == 205 || status == 304;
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 decides how many parameters there are.
ssize_t read_data(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t length,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept {
  const Stream::Chunk chunk = static_cast<Stream*>(source->ptr)->read(length);
  if (chunk.verdict == Stream::Chunk::Verdict::defer) return NGHTTP2_ERR_DEFERRED;
  if (chunk.verdict == Stream::Chunk::Verdict::pause) return NGHTTP2_ERR_PAUSE;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (chunk.ends_burst || chunk.ends_body) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!chunk.ends_body) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return static_cast<ssize_t>(chunk.bytes);
}

}  // namespace

Stream::Stream(Shared& shared, std::int32_t id, std::uint32_t place)
    : shared_(shared), id_(id), place_(place) {
  // One that is there is of a stream that failed before its head was complete.
  shared_.heading =
      std::make_unique<RequestHeading>(RequestHeading{id, RequestHead(shared.options)});
}

void Stream::open(http::Service& service, bool has_body) {
  http::Request request;
  const auto refusal = std::move(*head()).finish(request);
  shared_.heading.reset();
  is_head_request_ = request.method == "HEAD";
  is_opened_ = true;
  ++shared_.info.open_exchanges;
  if (refusal) {
    shared_.counters.refused_heads.add();
    answer_ =
        http::problem(*this, refusal->status, std::string(refusal->reason), {}, is_head_request_);
    return;
  }
  request.has_body = has_body;
  shared_.counters.requests.add();
  answer_ = service.open(request, *this);
  SLUICE_ASSERT(answer_ != nullptr, "a service opened an exchange without an answer");
  if (is_over_) shared_.dying.push_back(std::move(answer_));  // It was aborted from inside.
}

void Stream::respond(http::Response head, http::Kind kind,
                     std::optional<std::uint64_t> content_length) {
  SLUICE_ASSERT(!is_responded_, "an exchange was answered twice");
  if (is_over_) return;
  is_responded_ = true;
  if (kind == http::Kind::event_stream) {
    is_event_stream_ = true;
    ++shared_.info.event_streams;
  }
  const bool has_body = !is_head_request_ && !has_no_body(head.status) &&
                        !(content_length.has_value() && *content_length == 0);
  submit(head, content_length, has_body);
  // Whatever the client asks for: nghttp2 serves streams that are not incremental strictly one
  // after the other, so one busy stream would starve all others of its connection (RFC 9218 §10).
  const nghttp2_extpri priority{.urgency = kind == http::Kind::finite ? 1U : 3U, .inc = 1};
  nghttp2_session_change_extpri_stream_priority(shared_.native, id_, &priority, 1);
  shared_.transport.flush_later();
}

void Stream::submit(const http::Response& head, std::optional<std::uint64_t> length,
                    bool has_body) {
  const std::string status = fmt::format_int(head.status).str();
  const std::string size = length ? fmt::format_int(*length).str() : std::string();
  std::vector<nghttp2_nv> fields;
  fields.reserve(head.headers.size() + 2);
  fields.push_back(field(":status", status));
  for (const http::Field& f : head.headers) fields.push_back(field(f.name, f.value));
  // A 205 has no content, whatever an application says of its own (RFC 9110 §15.3.6).
  if (length && head.status != 204 && head.status != 205)
    fields.push_back(field("content-length", size));
  const std::uint8_t flags = has_body ? NGHTTP2_FLAG_NONE : NGHTTP2_FLAG_END_STREAM;
  const int rv = nghttp2_submit_headers(shared_.native, flags, id_, nullptr, fields.data(),
                                        fields.size(), nullptr);
  SLUICE_ASSERT(rv == 0, "nghttp2 refused the head of a response");
  if (has_body) begin_burst();
}

/// The head, which may still wait, goes before it.
void Stream::begin_burst() {
  const nghttp2_data_provider provider{.source = {.ptr = this}, .read_callback = &read_data};
  const int rv = nghttp2_submit_data(shared_.native, NGHTTP2_FLAG_END_STREAM, id_, &provider);
  SLUICE_ASSERT(rv == 0, "nghttp2 refused a part of a body");
  sending_ = Sending::busy;
}

void Stream::wake() {
  if (join_woken(false)) shared_.transport.flush_later();
}

void Stream::wake_soon() {
  if (join_woken(true)) shared_.transport.flush_soon();
}

/// False: the transport knows already, or nghttp2 will ask, or the exchange is over.
bool Stream::join_woken(bool may_wait) {
  if (is_reading_) was_woken_ = true;
  if (sending_ == Sending::busy || is_over_) return false;
  if (is_woken_ && (may_wait || !may_wait_)) return false;
  may_wait_ = may_wait;
  if (is_woken_) return true;
  is_woken_ = true;
  (shared_.first_woken == nullptr ? shared_.first_woken : shared_.last_woken->next_woken_) = this;
  shared_.last_woken = this;
  return true;
}

void Stream::begin_bursts(Shared& shared) {
  for (Stream* stream = std::exchange(shared.first_woken, nullptr); stream != nullptr;) {
    Stream& one = *stream;
    stream = std::exchange(one.next_woken_, nullptr);
    one.is_woken_ = false;
    one.send_moved_ = true;
    if (one.sending_ == Sending::deferred) {
      one.sending_ = Sending::busy;
      nghttp2_session_resume_data(shared.native, one.id_);
    } else {
      one.begin_burst();
    }
  }
}

void Stream::leave_woken() {
  if (!is_woken_) return;
  is_woken_ = false;
  Stream* before = nullptr;
  for (Stream* at = shared_.first_woken; at != this; at = at->next_woken_) before = at;
  (before == nullptr ? shared_.first_woken : before->next_woken_) = next_woken_;
  if (shared_.last_woken == this) shared_.last_woken = before;
  next_woken_ = nullptr;
}

void Stream::consume(std::size_t n) {
  if (is_over_) return;  // end() has given back everything.
  SLUICE_ASSERT(n <= unconsumed_, "more was consumed of a request body than has arrived");
  unconsumed_ -= static_cast<std::uint32_t>(n);
  body_moved_ = true;
  nghttp2_session_consume(shared_.native, id_, n);
  shared_.transport.flush_later();
}

void Stream::abort() {
  if (is_over_) return;
  reset(NGHTTP2_CANCEL);
  end(http::Ending::aborted);
}

http::Flow Stream::flow() const {
  return {.stream_window = nghttp2_session_get_stream_remote_window_size(shared_.native, id_),
          .connection_window = nghttp2_session_get_remote_window_size(shared_.native),
          .transport = shared_.transport.state()};
}

void Stream::reset(std::uint32_t code) {
  reset_code_ = static_cast<std::uint8_t>(code);
  nghttp2_submit_rst_stream(shared_.native, NGHTTP2_FLAG_NONE, id_, code);
  shared_.transport.flush_later();
}

void Stream::on_body(std::string_view bytes) {
  body_moved_ = true;
  if (is_over_ || answer_ == nullptr) {
    // Nobody wants them. The other streams of the connection need its window; this one gets none
    // back, so that at most a stream's window of them ever comes.
    nghttp2_session_consume_connection(shared_.native, bytes.size());
    return;
  }
  unconsumed_ += static_cast<std::uint32_t>(bytes.size());  // At most a stream's window.
  answer_->on_body(bytes);
}

void Stream::on_body_end() {
  is_request_ended_ = true;
  if (!is_over_ && answer_ != nullptr) answer_->on_body_end();
}

Stream::Chunk Stream::read(std::size_t max) {
  using Verdict = Chunk::Verdict;
  if (is_over_) return {.verdict = Verdict::defer};  // Its RST_STREAM is on its way.
  OutBuffer& out = *shared_.out;
  const std::size_t room = out.room();
  std::size_t want = std::min(max, shared_.options.data_frame_cap);
  if (room >= kFrameHeader + kWorthwhile) want = std::min(want, room - kFrameHeader);

  was_woken_ = false;
  is_reading_ = true;
  http::Answer::Ready ready = answer_->ready(want);
  if (was_woken_ && !is_over_ && ready.bytes == 0 && !ready.last) ready = answer_->ready(want);
  is_reading_ = false;
  SLUICE_ASSERT(ready.bytes <= want, "an answer has more ready than it was asked for");

  if (is_over_) return {.verdict = Verdict::defer};  // It aborted itself.
  if (ready.bytes == 0 && !ready.last) {
    sending_ = Sending::deferred;
    send_moved_ = true;
    return {.verdict = Verdict::defer};
  }
  if (ready.bytes + kFrameHeader > room) {
    shared_.is_paused = true;
    return {.verdict = Verdict::pause};
  }
  ends_burst_ = ready.is_all;
  return {.verdict = Verdict::send,
          .bytes = ready.bytes,
          .ends_burst = ready.is_all,
          .ends_body = ready.last};
}

void Stream::send(std::span<const std::byte> frame_header, std::size_t bytes) {
  const std::span<std::byte> space = shared_.out->extend(kFrameHeader + bytes);
  std::copy_n(frame_header.begin(), kFrameHeader, space.begin());
  was_woken_ = false;
  is_reading_ = true;
  if (bytes != 0) answer_->take(space.subspan(kFrameHeader));
  is_reading_ = false;
  if (ends_burst_) {
    SLUICE_ASSERT(!was_woken_, "an answer woke its stream while it gave all that it had");
    sending_ = Sending::nothing;
  }
  send_moved_ = true;
  ++shared_.frames_sent;
  shared_.counters.data_frames.add();
  shared_.counters.data_bytes.add(bytes);
}

void Stream::on_answer_sent() {
  body_moved_ = true;  // What is left of the body has its time from now on.
  end(http::Ending::complete);
}

void Stream::on_answer_not_sent(bool is_closing) {
  if (is_over_) return;
  if (!is_closing) reset(NGHTTP2_INTERNAL_ERROR);
  end(is_closing ? http::Ending::client_left : http::Ending::aborted);
}

void Stream::end(http::Ending how) {
  leave_woken();
  if (head() != nullptr) shared_.heading.reset();
  if (ending_ == http::Ending::none) ending_ = how;
  if (answer_ != nullptr) shared_.dying.push_back(std::move(answer_));
  if (is_opened_) --shared_.info.open_exchanges;
  if (is_event_stream_) --shared_.info.event_streams;
  is_opened_ = is_event_stream_ = false;
  is_over_ = true;
  if (unconsumed_ != 0) {
    nghttp2_session_consume_connection(shared_.native, unconsumed_);
    unconsumed_ = 0;
  }
}

/// The client has window to send more of the body, both of the stream and of the connection.
bool Stream::may_receive() const {
  return nghttp2_session_get_stream_local_window_size(shared_.native, id_) > 0 &&
         nghttp2_session_get_local_window_size(shared_.native) > 0;
}

bool Stream::has_body_moved() {
  const bool has = body_moved_;
  body_moved_ = false;
  return has;
}

bool Stream::has_send_moved() {
  const bool has = send_moved_;
  send_moved_ = false;
  return has;
}

Stream::Health Stream::check(TimePoint now, TimePoint& next) {
  const Options& limits = shared_.options;
  if (is_over_) {
    // Answered before its body was complete: the client may end it, or stop sending.
    if (is_request_ended_ || reset_code_ != kNoCode) return Health::good;
    if (has_body_moved()) since_ = now;
    if (now - since_ >= limits.body_timeout) return Health::body_unwanted;
    next = std::min(next, since_ + limits.body_timeout);
    return Health::good;
  }
  if (answer_ == nullptr) return Health::good;
  if (!is_request_ended_ && !is_responded_) {
    if (has_body_moved() || !may_receive()) since_ = now;
    if (now - since_ >= limits.body_timeout) return Health::body_overdue;
    next = std::min(next, since_ + limits.body_timeout);
  }
  if (is_responded_ && (sending_ == Sending::busy || is_woken_)) {
    // A window that was used up exactly looks shut, though there may be nothing left to send.
    if (has_send_moved()) {
      since_ = now;
    } else if (now - since_ >= limits.stalled_stream) {
      const http::Answer::Ready ready = answer_->ready(1);
      if (is_over_) return Health::good;
      if (ready.bytes != 0 || ready.last) return Health::stalled;
      since_ = now;
    }
    next = std::min(next, since_ + limits.stalled_stream);
  }
  return Health::good;
}

bool Stream::end_in_order() {
  if (!is_event_stream_ || is_retired_ || answer_ == nullptr) return false;
  is_retired_ = true;
  answer_->end_in_order();
  return true;
}

void Stream::fail(Health health) {
  if (health == Health::stalled) {
    shared_.counters.stalled_streams.add();
    ending_ = http::Ending::stalled;
    abort();
  } else if (health == Health::body_overdue) {
    shared_.counters.body_timeouts.add();
    is_responded_ = true;
    body_moved_ = true;
    submit({.status = 408, .headers = {}}, 0, false);
    end(http::Ending::timeout);
    shared_.transport.flush_later();
  } else if (health == Health::body_unwanted) {
    reset(NGHTTP2_NO_ERROR);  // RFC 9113 §8.1
  }
}

}  // namespace sluice::h2
