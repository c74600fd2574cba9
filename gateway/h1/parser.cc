#include "gateway/h1/parser.h"

#include <algorithm>

namespace sluice::h1 {
namespace {

constexpr int kMaxBlankLines = 2;  // RFC 9112 §2.2: some clients send one after a POST.

}  // namespace

RequestParser::Event RequestParser::next(std::string_view& input) {
  switch (state_) {
    case State::head:
      return gather_head(input);
    case State::body:
      return read_body(input);
    case State::refused:
      break;
  }
  return Event::refused;
}

RequestParser::Event RequestParser::gather_head(std::string_view& input) {
  while (!input.empty()) {
    switch (text_.take(input, limits_.header_bytes)) {
      case HeadText::Step::more:
        return Event::more;
      case HeadText::Step::complete:
        return end_head();
      case HeadText::Step::blank:
        if (++blank_lines_ > kMaxBlankLines) return refuse({400, "malformed request line"});
        break;
      case HeadText::Step::too_large:
        return refuse(text_.is_in_first_line() ? Refusal{414, "request line too long"}
                                               : Refusal{431, "header fields too large"});
      case HeadText::Step::bare_lf:
        return refuse({400, "line without CR"});
    }
  }
  return Event::more;
}

RequestParser::Event RequestParser::end_head() {
  const auto refusal = read_head(text_.text(), limits_.header_fields, head_);
  if (refusal) return refuse(*refusal);
  text_.clear();
  blank_lines_ = 0;
  body_rest_ = head_.content_length;
  chunks_ = {};
  state_ = State::body;
  return Event::head;
}

RequestParser::Event RequestParser::read_body(std::string_view& input) {
  if (head_.is_chunked) {
    body_ = chunks_.next(input);
    if (chunks_.is_bad()) return refuse({400, "malformed chunked body"});
    if (chunks_.is_done()) {
      state_ = State::head;
      return Event::end;
    }
  } else if (body_rest_ == 0) {
    state_ = State::head;
    return Event::end;
  } else {
    body_ = input.substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(body_rest_, input.size())));
    input.remove_prefix(body_.size());
    body_rest_ -= body_.size();
  }
  return body_.empty() ? Event::more : Event::body;
}

RequestParser::Event RequestParser::refuse(Refusal refusal) {
  state_ = State::refused;
  refusal_ = refusal;
  text_.clear();
  return Event::refused;
}

}  // namespace sluice::h1
