// The half of Session that sends: heads, and the bodies that it pulls out of answers.

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/h1/chunk_writer.h"
#include "gateway/h1/response_head.h"
#include "gateway/h1/session.h"

namespace sluice::h1 {

// ---- What the answer says ----

void Session::respond(http::Response head, http::Kind kind,
                      std::optional<std::uint64_t> content_length) {
  if (is_closing_) return;  // The client has left; the answer will learn it by being destroyed.
  SLUICE_ASSERT(current_.is_open && !current_.has_responded, "an exchange was answered twice");
  current_.has_responded = true;
  current_.is_event_stream = kind == http::Kind::event_stream;
  if (current_.is_event_stream) {
    ++connection_.event_streams;
    counters_.event_streams.add();
  }
  // A client that still waits for our 100 may send its body or not: no request can be told after
  // it. Behind an event stream nobody waits: a browser that cancels one would keep the connection,
  // one of its six, for seconds.
  if (is_draining_ || takes_no_more_ || current_.waits_for_continue ||
      (current_.is_event_stream && !current_.is_head)) {
    current_.keep_alive = false;
  }
  choose_framing(head, content_length);
  write_head(head,
             {.content_length = head.status == 204 ? std::nullopt : content_length,
              .is_chunked = current_.framing == Framing::chunked,
              .keep_alive = current_.keep_alive},
             clock_.wall(), text_);
  if (current_.is_event_stream && saw_eof_) {
    settle_ending(http::Ending::client_left);
    abort();
  }
  transport_.flush_later();
}

void Session::choose_framing(const http::Response& head,
                             std::optional<std::uint64_t> content_length) {
  if (current_.is_head || head.status == 204 || head.status == 304) {
    current_.framing = Framing::none;
  } else if (content_length) {
    current_.framing = Framing::length;
    current_.rest = *content_length;
  } else if (current_.minor_version == 1) {
    current_.framing = Framing::chunked;
  } else {
    current_.framing = Framing::until_close;
    current_.keep_alive = false;
  }
}

void Session::wake() {
  if (current_.is_open) transport_.flush_later();
}

void Session::wake_soon() {
  if (current_.is_open) transport_.flush_soon();
}

void Session::consume(std::size_t n) {
  const bool was_full = current_.unconsumed > options_.unconsumed_bytes;
  current_.unconsumed -= std::min(n, current_.unconsumed);
  if (!was_full || current_.unconsumed > options_.unconsumed_bytes) return;
  since_ = clock_.now();  // The client could not send until now.
  transport_.flush_later();
}

void Session::abort() {
  settle_ending(http::Ending::aborted);
  is_aborted_ = true;
  close();
}

// ---- Answers ----

bool Session::fill(OutBuffer& out) {
  const bool is_blocked = fill_until_full(out);
  settle();
  if (!is_blocked) {
    blocked_since_.reset();
  } else if (!out.empty() || !blocked_since_) {
    blocked_since_ = clock_.now();
  }
  return is_blocked;
}

bool Session::fill_until_full(OutBuffer& out) {
  for (;;) {
    if (is_aborted_) return false;
    if (!fill_text(out)) return true;
    if (!answer_ || !current_.has_responded) return false;
    const Pull pulled = pull(out);
    if (is_aborted_) return false;
    if (pulled == Pull::blocked) return true;
    if (pulled == Pull::waits) {
      if (current_.is_cut) {
        settle_ending(http::Ending::protocol_error);
        abort();
      }
      return false;
    }
    if (pulled == Pull::sent) continue;
    end_answer();
    if (!is_closing_) advance_kept_input();
  }
}

/// False when something is left.
bool Session::fill_text(OutBuffer& out) {
  const std::size_t n = std::min(out.room(), text_.size() - text_sent_);
  append_text(out, std::string_view(text_).substr(text_sent_, n));
  text_sent_ += n;
  if (text_sent_ < text_.size()) return false;
  text_.clear();
  text_sent_ = 0;
  return true;
}

Session::Pull Session::pull(OutBuffer& out) {
  switch (current_.framing) {
    case Framing::none:
      return Pull::ended;
    case Framing::chunked:
      return pull_chunk(out);
    case Framing::length:
      if (current_.rest == 0) return Pull::ended;
      return pull_plain(out);
    case Framing::until_close:
      return pull_plain(out);
  }
  return Pull::ended;
}

/// All that is ready, as one chunk.
Session::Pull Session::pull_chunk(OutBuffer& out) {
  if (out.room() <= kChunkOverhead) return Pull::blocked;
  const std::size_t max = out.room() - kChunkOverhead;
  const auto ready = answer_->ready(max);
  if (is_aborted_) return Pull::waits;
  SLUICE_ASSERT(ready.bytes <= max, "an answer offered more than it was asked for");
  if (ready.bytes > 0) {
    answer_->take(begin_chunk(out, ready.bytes));
    append_text(out, kLineEnd);
  }
  if (ready.last) {
    append_text(out, kLastChunk);
    return Pull::ended;
  }
  return ready.bytes > 0 ? Pull::sent : Pull::waits;
}

Session::Pull Session::pull_plain(OutBuffer& out) {
  std::size_t max = out.room();
  if (current_.framing == Framing::length) {
    max = static_cast<std::size_t>(std::min<std::uint64_t>(max, current_.rest));
  }
  if (max == 0) return Pull::blocked;
  const auto ready = answer_->ready(max);
  if (is_aborted_) return Pull::waits;
  SLUICE_ASSERT(ready.bytes <= max, "an answer offered more than it was asked for");
  if (ready.bytes > 0) answer_->take(out.extend(ready.bytes));
  if (current_.framing == Framing::length) {
    current_.rest -= ready.bytes;
    if (current_.rest == 0) return Pull::ended;
    if (ready.last) {  // Shorter than it said: only the end of the connection can tell.
      current_.keep_alive = false;
      settle_ending(http::Ending::aborted);
      close();
    }
  }
  if (ready.last) return Pull::ended;
  return ready.bytes > 0 ? Pull::sent : Pull::waits;
}

}  // namespace sluice::h1
