#include "gateway/h2/client_stream.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/h2/handles.h"

namespace sluice::h2 {
namespace {

constexpr std::size_t kFirstWindow = 65'535;

/// Kept out of HPACK's table, which all callers of the connection share: nobody may find out by
/// the size of a request whether another one has sent the same (RFC 7541 §7.1).
bool is_secret(std::string_view name) {
  constexpr std::array<std::string_view, 3> kNames{"authorization", "cookie",
                                                   "proxy-authorization"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

nghttp2_nv field(std::string_view name, std::string_view value) {
  // nghttp2 copies both; its interface only forgot the const.
  return {
      const_cast<std::uint8_t*>(as_octets(name.data())),
      const_cast<std::uint8_t*>(as_octets(value.data())), name.size(), value.size(),
      static_cast<std::uint8_t>(is_secret(name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)};
}

// NOLINTNEXTLINE(readability-function-size): nghttp2 decides how many parameters there are.
ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size,
                  std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept {
  const std::span<std::uint8_t> room(buffer, size);
  const auto piece = static_cast<ClientStream*>(source->ptr)->read(std::as_writable_bytes(room));
  if (piece.is_deferred) return NGHTTP2_ERR_DEFERRED;
  if (piece.is_last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(piece.bytes);
}

}  // namespace

ClientStream::ClientStream(ClientShared& shared, http::Caller& caller, std::uint32_t place)
    : shared_(shared), caller_(&caller), place_(place) {
  ++shared_.open_calls;
  shared_.counters.calls.add();
}

void ClientStream::submit(const http::Outgoing& request) {
  const http::Request& head = request.head;
  const std::string path = head.query.empty() ? head.path : head.path + '?' + head.query;
  const bool is_sized = head.has_body && request.body_length.has_value();
  const std::string size = is_sized ? fmt::format_int(*request.body_length).str() : std::string();
  std::vector<nghttp2_nv> fields;
  fields.reserve(head.headers.size() + 5);
  fields.push_back(field(":method", head.method));
  fields.push_back(field(":scheme", head.scheme));
  fields.push_back(field(":authority", head.authority));
  fields.push_back(field(":path", path));
  for (const http::Field& f : head.headers) fields.push_back(field(f.name, f.value));
  if (is_sized) fields.push_back(field("content-length", size));

  const nghttp2_data_provider provider{.source = {.ptr = this}, .read_callback = &read_body};
  const bool has_body = head.has_body && !(is_sized && *request.body_length == 0);
  id_ = nghttp2_submit_request(shared_.native, nullptr, fields.data(), fields.size(),
                               has_body ? &provider : nullptr, this);
  SLUICE_ASSERT(id_ > 0, "nghttp2 refused a request");
  shared_.transport.flush_later();
}

// What the caller says.

void ClientStream::wake() {
  was_woken_ = true;
  if (!is_deferred_ || caller_ == nullptr) return;
  is_deferred_ = false;
  nghttp2_session_resume_data(shared_.native, id_);
  shared_.transport.flush_later();
}

void ClientStream::consume(std::size_t n) {
  if (caller_ == nullptr) return;
  SLUICE_ASSERT(n <= unpaid_, "more was consumed of an answer than has arrived");
  unpaid_ -= static_cast<std::uint32_t>(n);
  consumed_ += static_cast<std::uint32_t>(n);
  // nghttp2 looks for its stream each time, and gives nothing back before it is half the window.
  if (consumed_ < shared_.options.stream_window / 4) return;
  nghttp2_session_consume_stream(shared_.native, id_, std::exchange(consumed_, 0));
  shared_.transport.flush_later();
}

void ClientStream::cancel() {
  if (caller_ == nullptr) return;
  detach();
  reset(NGHTTP2_CANCEL);
}

ResponseHead* ClientStream::head() {
  ResponseHeading* const heading = shared_.heading.get();
  return heading != nullptr && heading->stream == id_ ? &heading->head : nullptr;
}

http::Caller& ClientStream::detach() {
  --shared_.open_calls;
  shared_.has_changed = true;
  if (head() != nullptr) shared_.heading.reset();
  return *std::exchange(caller_, nullptr);
}

void ClientStream::reset(std::uint32_t code) {
  nghttp2_submit_rst_stream(shared_.native, NGHTTP2_FLAG_NONE, id_, code);
  shared_.transport.flush_later();
}

void ClientStream::fail(const http::CallFailure& failure) {
  if (failure.error == http::CallError::refused) shared_.counters.refused_calls.add();
  if (failure.error == http::CallError::malformed || failure.error == http::CallError::too_large) {
    shared_.counters.malformed_answers.add();
  }
  detach().on_failure(failure);
}

// What the server sent.

void ClientStream::on_head_begins() {
  if (caller_ == nullptr || is_headed_) return;
  shared_.heading = std::make_unique<ResponseHeading>(ResponseHeading{.stream = id_});
}

void ClientStream::on_field(std::string_view name, std::string_view value) {
  ResponseHead* const head = this->head();
  if (head == nullptr) return;  // Of a trailer, or of a call that is over.
  if (head->add(name, value, shared_.options)) return;
  reset(NGHTTP2_CANCEL);
  fail({.error = http::CallError::too_large, .what = "the head of the answer is too large"});
}

void ClientStream::on_head_ends() {
  if (head() == nullptr) return;
  const auto heading = std::move(shared_.heading);
  ResponseHead& head = heading->head;
  switch (head.finish()) {
    case ResponseHead::Kind::malformed:
      on_malformed("a status that is none");
      return;
    case ResponseHead::Kind::informational:
      if (++informational_ > shared_.options.informational_heads) {
        on_malformed("too many informational heads");
      }
      return;
    case ResponseHead::Kind::final:
      is_headed_ = true;
      shared_.counters.answers.add();
      caller_->on_head(std::move(head.response()), head.content_length());
      return;
  }
}

void ClientStream::on_body(std::string_view bytes) {
  if (caller_ == nullptr) return;  // The stream gets no window back: this ends soon.
  // nghttp2 resets a stream that overruns its window, but hands over what did. (A server that has
  // not seen our SETTINGS yet goes by RFC 9113's first window.)
  const std::size_t window = std::max<std::size_t>(shared_.options.stream_window, kFirstWindow);
  if (bytes.size() > window - unpaid_) {
    on_malformed("more than its window");
    return;
  }
  unpaid_ += static_cast<std::uint32_t>(bytes.size());
  caller_->on_bytes(bytes);
}

void ClientStream::on_answer_ends() {
  if (caller_ == nullptr) return;
  // Nobody waits for the rest of it. The server may say so itself, with the next frame.
  if (!is_request_sent_) shared_.answered_early.push_back(id_);
  detach().on_end(false);
}

void ClientStream::on_reset(std::uint32_t code) {
  if (caller_ == nullptr) return;
  if (code == NGHTTP2_REFUSED_STREAM && !is_headed_) {
    fail({.error = http::CallError::refused,
          .is_untouched = true,
          .what = "the server refused the stream"});
  } else {
    fail({.error = http::CallError::reset, .what = "the server reset the stream"});
  }
}

void ClientStream::on_malformed(std::string_view what) {
  if (caller_ == nullptr) return;
  reset(NGHTTP2_PROTOCOL_ERROR);
  fail({.error = http::CallError::malformed, .what = what});
}

void ClientStream::on_closed(std::uint32_t code) {
  if (caller_ == nullptr) return;
  if (code == NGHTTP2_REFUSED_STREAM && !is_headed_) {
    fail({.error = http::CallError::refused,
          .is_untouched = true,
          .what = "the server takes no more calls on this connection"});
  } else {
    fail({.error = http::CallError::malformed, .what = "the body contradicts its head or window"});
  }
}

// What is sent.

ClientStream::Piece ClientStream::read(std::span<std::byte> out) {
  if (caller_ == nullptr) return {.is_deferred = true};  // Its RST_STREAM is on its way.
  was_woken_ = false;
  http::Caller::Ready ready = caller_->body_ready(out.size());
  if (was_woken_ && caller_ != nullptr && ready.bytes == 0 && !ready.last) {
    ready = caller_->body_ready(out.size());
  }
  SLUICE_ASSERT(ready.bytes <= out.size(), "a caller has more ready than it was asked for");
  if (caller_ == nullptr) return {.is_deferred = true};  // It cancelled itself.
  if (ready.bytes == 0 && !ready.last) {
    is_deferred_ = true;
    return {.is_deferred = true};
  }
  if (ready.bytes != 0) caller_->body_take(out.first(ready.bytes));
  if (caller_ == nullptr) return {.is_deferred = true};
  return {.bytes = ready.bytes, .is_last = ready.last};
}

// Endings.

void ClientStream::lose(std::string_view what) {
  if (caller_ == nullptr) return;
  fail({.error = http::CallError::closed, .is_untouched = !is_sent_, .what = what});
}

void ClientStream::refuse(std::string_view what) {
  reset(NGHTTP2_CANCEL);
  fail({.error = http::CallError::refused, .is_untouched = true, .what = what});
}

}  // namespace sluice::h2
