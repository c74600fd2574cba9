/// RequestParser: HTTP/1.x requests out of a stream of bytes, however they are cut.
///
/// Gathers a head until it is complete, then measures or unchunks the body.
///
///   next() ─► head ─► body… ─► end ─► head …        any of them ─► refused, for good
///
/// Owner      h1::Session. Thread  its worker only.
/// Errors     Event::refused; refusal() has the status to answer with.
/// Invariant  the same bytes give the same events (and the same joined body) however they are cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "gateway/h1/chunked.h"
#include "gateway/h1/head.h"
#include "gateway/h1/head_text.h"

namespace sluice::h1 {

class RequestParser {
 public:
  struct Limits {
    std::size_t header_bytes = 0;  ///< Request line and fields.
    std::size_t header_fields = 0;
  };
  enum class Event : std::uint8_t { more, head, body, end, refused };

  explicit RequestParser(Limits limits) : limits_(limits) {}

  /// Takes what it can use off the front of `input`. `more`: all of it was taken, nothing happened.
  Event next(std::string_view& input);
  /// After Event::head; the caller may move out of it.
  [[nodiscard]] Head& head() { return head_; }
  /// After Event::body: a view into what was given to next().
  [[nodiscard]] std::string_view body() const { return body_; }
  /// After Event::refused.
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }
  /// True while not one byte of the next request is here.
  [[nodiscard]] bool is_between() const { return state_ == State::head && text_.empty(); }

 private:
  enum class State : std::uint8_t { head, body, refused };

  Event gather_head(std::string_view& input);
  Event end_head();
  Event read_body(std::string_view& input);
  Event refuse(Refusal refusal);

  // Set in the constructor.
  const Limits limits_;

  State state_ = State::head;
  HeadText text_;        ///< Of the head so far.
  int blank_lines_ = 0;  ///< Before the request line.
  Head head_;
  ChunkedDecoder chunks_;
  std::uint64_t body_rest_ = 0;  ///< Of a body with content-length.
  std::string_view body_;
  Refusal refusal_;
};

}  // namespace sluice::h1
