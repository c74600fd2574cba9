/// ChunkedDecoder: takes the chunks off a body (RFC 9112 §7.1), strictly.
///
/// A proxy in front and we must never disagree about where a body ends, so nothing that the grammar
/// does not allow is repaired: a size is hex digits alone, every line ends in CR LF, every chunk
/// too. Extensions and trailers are read, bounded and dropped.
/// Owner  who reads the body. Thread  its worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::h1 {

class ChunkedDecoder {
 public:
  static constexpr std::size_t kMaxExtensions = 4096;  ///< Bytes, of all chunks of a body.
  static constexpr std::size_t kMaxTrailers = 8192;    ///< Bytes.

  /// Takes bytes off the front of `input` up to the end of the next piece of the body, and returns
  /// that piece. Empty: `input` is used up, or is_done(), or is_bad().
  std::string_view next(std::string_view& input);
  [[nodiscard]] bool is_done() const { return state_ == State::done; }
  [[nodiscard]] bool is_bad() const { return state_ == State::bad; }

 private:
  enum class State : std::uint8_t {
    size_start,  ///< The first digit.
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,  ///< The first byte of a line.
    trailer,
    trailer_lf,
    last_lf,  ///< Of the empty line that ends it all.
    done,
    bad,
  };

  void end_data(std::string_view& input);
  bool take_size_line(std::string_view& input);
  [[nodiscard]] State step(char c);
  [[nodiscard]] State digit(char c);

  State state_ = State::size_start;
  std::uint8_t digits_ = 0;
  std::uint16_t extensions_ = 0;
  std::uint16_t trailers_ = 0;
  std::uint64_t rest_ = 0;  ///< Of the chunk.
};
static_assert(sizeof(ChunkedDecoder) <= 16, "each relayed stream has one");

}  // namespace sluice::h1
