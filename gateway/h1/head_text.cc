#include "gateway/h1/head_text.h"

namespace sluice::h1 {

HeadText::Step HeadText::take(std::string_view& input, std::size_t max_bytes) {
  while (!input.empty()) {
    const std::size_t newline = input.find('\n');
    const bool has_line = newline != std::string_view::npos;
    const std::string_view piece = has_line ? input.substr(0, newline + 1) : input;
    if (piece.size() > max_bytes - text_.size()) return Step::too_large;
    text_.append(piece);
    input.remove_prefix(piece.size());
    if (!has_line) return Step::more;
    const std::string_view line = std::string_view(text_).substr(line_start_);
    if (line.size() < 2 || line[line.size() - 2] != '\r') return Step::bare_lf;
    if (line.size() > 2) {
      line_start_ = text_.size();
    } else if (line_start_ > 0) {
      return Step::complete;
    } else {
      text_.clear();
      return Step::blank;
    }
  }
  return Step::more;
}

void HeadText::clear() {
  text_ = {};
  line_start_ = 0;
}

}  // namespace sluice::h1
