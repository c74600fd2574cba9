#include "gateway/server/config_syntax.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include <fmt/format.h>

#include "gateway/base/ascii.h"

namespace sluice::server {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::string_view line_of(std::string_view text, int number) {
  for (; number > 1; --number) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

/// Columns count characters, of which each may be several bytes of UTF-8.
std::size_t offset_of(std::string_view line, int column) {
  std::size_t at = 0;
  for (; at < line.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(line[at]) & 0xC0) != 0x80;
    if (begins && --column == 0) break;
  }
  return at;
}

int column_of(std::string_view line, std::size_t offset) {
  return 1 + static_cast<int>(std::count_if(
                 line.begin(), line.begin() + static_cast<std::ptrdiff_t>(offset),
                 [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct Hint {
  std::size_t at;  ///< Where in the line.
  std::string text;
};

/// The bare word that is at `at`, where there should be a value.
std::optional<Hint> bare_word(std::string_view line, std::size_t at) {
  const std::size_t before = line.substr(0, at).find_last_of(" \t=[{,\"'");
  const std::size_t begin = before == line.npos ? 0 : before + 1;
  const std::size_t end = std::min(line.find_first_of(" \t,]}#\"'", begin), line.size());
  const std::string_view word = line.substr(begin, end - begin);
  if (has(word, "\u201c") || has(word, "\u201d")) {
    return Hint{begin, "a string stands in straight quotes, \"…\""};
  }
  for (const auto& [flag, names] : {std::pair("true", std::array{"true", "yes"}),
                                    std::pair("false", std::array{"false", "no"})}) {
    const auto is_it = [&](const char* name) { return equals_ignoring_case(word, name); };
    if (std::any_of(names.begin(), names.end(), is_it)) {
      return Hint{begin, fmt::format("{} is no value; write {}", word, flag)};
    }
  }
  const bool is_text =
      std::any_of(word.begin(), word.end(), [](char c) { return !is_digit(c) && c != '_'; });
  if (!is_text) return std::nullopt;
  // In these quotes a backslash is one.
  const char quote = has(word, "\\") ? '\'' : '"';
  return Hint{begin, fmt::format("{} needs quotes; write {}{}{}", word, quote, word, quote)};
}

std::optional<Hint> hint_for(std::string_view line, std::size_t at, std::string_view said) {
  for (const char* kind : {"parsing value", "integer:", "floating-point:", "boolean:",
                           "parsing time:", "parsing date:", "parsing date-time:"}) {
    if (has(said, kind)) return bare_word(line, at);
  }
  if (at < line.size()) return std::nullopt;
  if (has(said, "string: ") && has(said, "control characters")) {
    return Hint{at, "a quote is missing at the end of this string"};
  }
  if (has(said, "inline table")) {
    return Hint{at, "a table in { } stands on one line, without a comma at its end"};
  }
  return std::nullopt;
}

}  // namespace

Fault syntax_fault(std::string_view text, const std::string& file, Place place,
                   std::string_view said) {
  const std::string_view line = line_of(text, place.line);
  const auto hint = hint_for(line, offset_of(line, place.column), said);
  if (!hint) return {file, place.line, place.column, std::string(said)};
  return {file, place.line, column_of(line, hint->at), hint->text};
}

}  // namespace sluice::server
