#include "gateway/server/roff.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::server {
namespace {

/// Of the characters that troff reads in a way of its own, or shows as something else. A
/// hyphen is always the one of command lines: what a page says is copied from it.
std::string_view escape_of(char c, bool is_code) {
  switch (c) {
    case '\\':
      return "\\e";
    case '-':
      return "\\-";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    case '`':
      return "\\(ga";
    case '"':
      return "\\(dq";
    case '\'':
      return is_code ? "\\(aq" : "\\(cq";
    default:
      return {};
  }
}

/// The scalar value of the UTF-8 sequence that begins at `at`, which is moved to its last byte. The
/// texts are the program's own: well-formed.
std::string escape_beyond_ascii(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t more = byte(at) >= 0xF0 ? 3 : byte(at) >= 0xE0 ? 2 : 1;
  unsigned scalar = byte(at) & (0x3FU >> more);
  for (std::size_t i = 0; i < more && at + 1 < text.size(); ++i) {
    scalar = scalar << 6 | (byte(++at) & 0x3FU);
  }
  return fmt::format("\\[u{:04X}]", scalar);
}

std::string escaped(std::string_view text, bool is_code) {
  std::string safe;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x80) {
      safe += escape_beyond_ascii(text, i);
    } else if (const auto escape = escape_of(c, is_code); !escape.empty()) {
      safe += escape;
    } else {
      safe += c == '\n' ? ' ' : c;
    }
  }
  return safe;
}

/// "[name](page.md)" is its name, where a page has no links. Other brackets stay: "[[route]]".
std::string without_links(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t middle = text.find("](");
    const std::size_t open = text.rfind('[', middle);
    const std::size_t close = text.find(')', middle);
    if (middle == text.npos || open == text.npos || close == text.npos) break;
    plain += text.substr(0, open);
    plain += text.substr(open + 1, middle - open - 1);
    text.remove_prefix(close + 1);
  }
  return plain += text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string roff_text(std::string_view text) {
  const std::string plain = without_links(text);
  std::string_view rest = plain;
  std::string shown;
  for (bool is_code = false;; is_code = !is_code) {
    const std::size_t tick = rest.find('`');
    const std::string part = escaped(rest.substr(0, tick), is_code);
    shown += is_code ? fmt::format("\\fB{}\\fR", part) : part;
    if (tick == rest.npos) return shown;
    rest.remove_prefix(tick + 1);
  }
}

/// No word is divided: options and keys would be, too.
Roff::Roff(std::string_view name, int section, std::string_view subject) {
  page_ = fmt::format(
      ".TH {} {} \"\" \"sluice {}\" \"Sluice\"\n"
      ".nh\n.ad l\n.SH NAME\n",
      name, section, SLUICE_VERSION);
  line(fmt::format("{} \\- {}", escaped(name, true), roff_text(subject)));
}

/// A line of text that begins like a request would be taken for one.
void Roff::line(std::string text) {
  const bool is_request = text.starts_with('.');
  page_ += fmt::format("{}{}\n", is_request ? "\\&" : "", text);
}

/// A heading begins one by itself.
void Roff::begin_paragraph() {
  if (!std::exchange(is_below_heading_, false)) page_ += ".PP\n";
}

Roff& Roff::section(std::string_view title) {
  is_below_heading_ = true;
  page_ += fmt::format(".SH {}\n", title);
  return *this;
}

Roff& Roff::subsection(std::string_view title) {
  is_below_heading_ = true;
  page_ += fmt::format(".SS {}\n", roff_text(title));
  return *this;
}

Roff& Roff::paragraph(std::string_view text) {
  begin_paragraph();
  line(roff_text(text));
  return *this;
}

Roff& Roff::example(std::string_view lines) {
  begin_paragraph();
  page_ += ".nf\n";
  for (const std::string_view each : lines_of(lines)) line(escaped(each, true));
  page_ += ".fi\n";
  return *this;
}

Roff& Roff::item(std::string_view what, std::string_view more, std::string_view meaning) {
  is_below_heading_ = false;
  page_ += ".TP\n";
  line(
      fmt::format("\\fB{}\\fR{}{}", escaped(what, true), more.empty() ? "" : " ", roff_text(more)));
  line(roff_text(meaning));
  return *this;
}

Roff& Roff::prose(std::string_view text) {
  std::string sentences;
  std::string kept;
  const auto end = [&] {
    if (!sentences.empty()) paragraph(sentences);
    if (!kept.empty()) example(kept);
    sentences.clear();
    kept.clear();
  };
  for (const std::string_view each : lines_of(text)) {
    const bool is_kept = each.starts_with(' ');
    if (each.empty() || (is_kept ? !sentences.empty() : !kept.empty())) end();
    std::string& into = is_kept ? kept : sentences;
    if (!into.empty()) into += is_kept ? '\n' : ' ';
    into += each;
  }
  end();
  return *this;
}

}  // namespace sluice::server
