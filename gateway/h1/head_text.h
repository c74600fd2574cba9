/// HeadText: the lines of a head, gathered up to the empty one, however they are cut.
///
/// Owner  who reads heads off a connection. Thread  its worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::h1 {

class HeadText {
 public:
  enum class Step : std::uint8_t {
    more,       ///< All of the input was taken.
    complete,   ///< text() is a head: lines that end in CR LF, the last of them empty.
    blank,      ///< An empty line where a head should begin; it is forgotten.
    too_large,  ///< More than `max_bytes`. What is here is of no more use.
    bare_lf,    ///< A line without CR. The same.
  };

  /// Takes what belongs to the head off the front of `input`.
  Step take(std::string_view& input, std::size_t max_bytes);
  /// Good until the next take() or clear().
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] bool is_in_first_line() const { return line_start_ == 0; }
  /// For the next head. Gives the memory back: an idle connection keeps no buffer.
  void clear();

 private:
  std::string text_;
  std::size_t line_start_ = 0;  ///< Of the line being gathered, in text_.
};

}  // namespace sluice::h1
