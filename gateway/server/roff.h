/// Roff: a manual page in the language of man(7), as far as the program's own pages need it.
///
/// Texts come as they are shown elsewhere: with `code`, and with [links](page.md) of which the name
/// is kept. Every byte of them is escaped, so that no text can become a request of troff.
///
/// Owner  whoever prints a page. Thread  any.
#pragma once

#include <string>
#include <string_view>

namespace sluice::server {

class Roff {
 public:
  /// `subject` is one line: what the page's name is for.
  Roff(std::string_view name, int section, std::string_view subject);

  Roff& section(std::string_view title);
  Roff& subsection(std::string_view title);
  Roff& paragraph(std::string_view text);
  /// Lines that are kept as they are.
  Roff& example(std::string_view lines);
  /// Something and what it means; `what` is set in bold, `more` behind it is not.
  Roff& item(std::string_view what, std::string_view more, std::string_view meaning);
  /// Paragraphs with a blank line between; lines that begin with a blank are an example.
  Roff& prose(std::string_view text);

  [[nodiscard]] const std::string& page() const { return page_; }

 private:
  void line(std::string text);
  void begin_paragraph();

  std::string page_;
  bool is_below_heading_ = false;  ///< There is nothing between.
};

/// `text` as troff shows it, on one line. What stands between backticks is set in bold.
[[nodiscard]] std::string roff_text(std::string_view text);

}  // namespace sluice::server
