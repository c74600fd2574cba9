// The half of ClientSession that sends: the request's head, and the body that it pulls out of the
// caller. The caller may cancel from inside ready(): then the Opening is still there, and
// `sending_` is done.

#include <algorithm>

#include "gateway/base/assert.h"
#include "gateway/h1/chunk_writer.h"
#include "gateway/h1/client_opening.h"

namespace sluice::h1 {

bool ClientSession::fill(OutBuffer& out) {
  const bool is_full = send(out);
  settle();
  return is_full;
}

bool ClientSession::send(OutBuffer& out) {
  for (;;) {
    Sent sent = Sent::waits;
    switch (sending_) {
      case Sending::head:
        sent = send_head(out);
        break;
      case Sending::length:
        sent = send_length(out);
        break;
      case Sending::chunked:
        sent = send_chunk(out);
        break;
      case Sending::tail:
        sent = look_behind();
        break;
      case Sending::done:
        return false;
    }
    if (sent != Sent::some) return sent == Sent::full;
  }
}

ClientSession::Sent ClientSession::send_head(OutBuffer& out) {
  Opening& opening = *opening_;
  if (opening.text.empty()) {
    has_sent_ = true;  // It would not fare better on another connection.
    fail(http::CallError::malformed, "a request that cannot be written");
    return Sent::waits;
  }
  const std::size_t n = std::min(out.room(), opening.text.size() - opening.sent);
  if (n == 0) return Sent::full;
  append_text(out, std::string_view(opening.text).substr(opening.sent, n));
  has_sent_ = true;
  opening.sent += n;
  if (opening.sent < opening.text.size()) return Sent::full;
  opening.text = {};
  sending_ = opening.body == Sending::length && opening.rest == 0 ? Sending::tail : opening.body;
  return Sent::some;
}

ClientSession::Sent ClientSession::send_length(OutBuffer& out) {
  Opening& opening = *opening_;
  const auto max = static_cast<std::size_t>(std::min<std::uint64_t>(out.room(), opening.rest));
  if (max == 0) return Sent::full;
  const auto ready = caller_->body_ready(max);
  if (sending_ == Sending::done) return Sent::waits;
  SLUICE_ASSERT(ready.bytes <= max, "a caller offered more than it was asked for");
  if (ready.bytes > 0) {
    caller_->body_take(out.extend(ready.bytes));
    opening.rest -= ready.bytes;
  }
  if (sending_ == Sending::done) return Sent::waits;
  if (opening.rest == 0) {
    sending_ = ready.last ? Sending::done : Sending::tail;
  } else if (ready.last) {
    fail(http::CallError::closed, "the request's body is shorter than was told");
  }
  return ready.bytes > 0 ? Sent::some : Sent::waits;
}

/// All that is ready, as one chunk.
ClientSession::Sent ClientSession::send_chunk(OutBuffer& out) {
  if (out.room() <= kChunkOverhead) return Sent::full;
  const std::size_t max = out.room() - kChunkOverhead;
  const auto ready = caller_->body_ready(max);
  if (sending_ == Sending::done) return Sent::waits;
  SLUICE_ASSERT(ready.bytes <= max, "a caller offered more than it was asked for");
  if (ready.bytes > 0) {
    caller_->body_take(begin_chunk(out, ready.bytes));
    append_text(out, kLineEnd);
  }
  if (sending_ == Sending::done) return Sent::waits;
  if (ready.last) {
    append_text(out, kLastChunk);
    sending_ = Sending::done;
  }
  return ready.bytes > 0 ? Sent::some : Sent::waits;
}

/// A body of its full length must have its end there.
ClientSession::Sent ClientSession::look_behind() {
  const auto ready = caller_->body_ready(1);
  if (sending_ == Sending::done) return Sent::waits;
  if (ready.bytes > 0) {
    fail(http::CallError::closed, "the request's body is longer than was told");
  } else if (ready.last) {
    sending_ = Sending::done;
  }
  return Sent::waits;
}

}  // namespace sluice::h1
