#include "gateway/h1/chunked.h"

#include <algorithm>

#include "gateway/base/ascii.h"

namespace sluice::h1 {
namespace {

constexpr int kMaxDigits = 15;  // A chunk can not overflow 64 bits.

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

}  // namespace

std::string_view ChunkedDecoder::next(std::string_view& input) {
  while (!input.empty() && state_ != State::done && state_ != State::bad) {
    if (state_ == State::data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(rest_, input.size()));
      const std::string_view piece = input.substr(0, n);
      input.remove_prefix(n);
      rest_ -= n;
      if (rest_ == 0) end_data(input);
      return piece;
    }
    if (state_ == State::size_start && take_size_line(input)) continue;
    state_ = step(input.front());
    if (state_ != State::bad) input.remove_prefix(1);
  }
  return {};
}

// Most chunks come whole, and without extensions: their lines need no look at each byte's state.
// What these two leave alone goes step by step.

void ChunkedDecoder::end_data(std::string_view& input) {
  const bool is_whole = input.starts_with("\r\n");
  state_ = is_whole ? State::size_start : State::data_cr;
  if (is_whole) input.remove_prefix(2);
}

bool ChunkedDecoder::take_size_line(std::string_view& input) {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  const std::size_t max_digits = std::min<std::size_t>(input.size(), kMaxDigits);
  for (int value = 0; digits < max_digits && (value = hex_digit(input[digits])) >= 0; ++digits) {
    size = size * 16 + static_cast<std::uint64_t>(value);
  }
  if (size == 0 || !input.substr(digits).starts_with("\r\n")) return false;
  input.remove_prefix(digits + 2);
  rest_ = size;
  state_ = State::data;
  return true;
}

ChunkedDecoder::State ChunkedDecoder::step(char c) {
  switch (state_) {
    case State::size_start:
      rest_ = 0;
      digits_ = 0;
      return hex_digit(c) >= 0 ? digit(c) : State::bad;
    case State::size:
      if (c == '\r') return State::size_lf;
      return c == ';' ? State::extension : digit(c);
    case State::extension:
      if (c == '\r') return State::size_lf;
      return is_control(c) || ++extensions_ > kMaxExtensions ? State::bad : State::extension;
    case State::size_lf:
      if (c != '\n') return State::bad;
      return rest_ > 0 ? State::data : State::trailer_start;
    case State::data_cr:
      return c == '\r' ? State::data_lf : State::bad;
    case State::data_lf:
      return c == '\n' ? State::size_start : State::bad;
    case State::trailer_start:
      if (c == '\r') return State::last_lf;
      if (c == ' ' || c == '\t') return State::bad;  // A folded line (RFC 9112 §5.2).
      [[fallthrough]];
    case State::trailer:
      if (c == '\r') return State::trailer_lf;
      return is_control(c) || ++trailers_ > kMaxTrailers ? State::bad : State::trailer;
    case State::trailer_lf:
      return c == '\n' ? State::trailer_start : State::bad;
    case State::last_lf:
      return c == '\n' ? State::done : State::bad;
    case State::data:
    case State::done:
    case State::bad:
      break;
  }
  return State::bad;
}

ChunkedDecoder::State ChunkedDecoder::digit(char c) {
  const int value = hex_digit(c);
  if (value < 0 || ++digits_ > kMaxDigits) return State::bad;
  rest_ = rest_ * 16 + static_cast<std::uint64_t>(value);
  return State::size;
}

}  // namespace sluice::h1
