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
    const std::size_t newline = input.find('\n');
    const bool has_line = newline != std::string_view::npos;
    const std::string_view piece = has_line ? input.substr(0, newline + 1) : input;
    if (piece.size() > limits_.header_bytes - text_.size()) {
      return refuse(line_start_ == 0 ? Refusal{414, "request line too long"}
                                     : Refusal{431, "header fields too large"});
    }
    text_.append(piece);
    input.remove_prefix(piece.size());
    if (!has_line) return Event::more;
    const std::string_view line = std::string_view(text_).substr(line_start_);
    if (line.size() < 2 || line[line.size() - 2] != '\r') return refuse({400, "line without CR"});
    if (line.size() > 2) {
      line_start_ = text_.size();
    } else if (line_start_ > 0) {
      return end_head();
    } else {
      text_.clear();
      if (++blank_lines_ > kMaxBlankLines) return refuse({400, "malformed request line"});
    }
  }
  return Event::more;
}

RequestParser::Event RequestParser::end_head() {
  if (const auto refusal = read_head(text_, limits_.header_fields, head_)) return refuse(*refusal);
  text_ = {};  // An idle connection keeps no buffer.
  line_start_ = 0;
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
  text_ = {};
  return Event::refused;
}

}  // namespace sluice::h1
