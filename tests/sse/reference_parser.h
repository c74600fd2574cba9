/// The algorithm of HTML §9.2.6 word for word, over a whole stream: slow, and easy to see as right.
/// What the real parsers and filters are compared with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sse {

struct Interpretation {
  struct Message {
    std::string type;
    std::string id;
    std::string data;
    friend bool operator==(const Message&, const Message&) = default;
  };
  std::vector<Message> messages;
  std::vector<std::uint64_t> retries;  ///< The largest number for those that are larger.
  std::string last_id;
  std::size_t blank_lines = 0;  ///< Some clients see an event at each.
  bool is_whole = true;         ///< It ends between two events, with the end of a line.

  friend bool operator==(const Interpretation&, const Interpretation&) = default;
};

/// The lines that are ended; `rest` is what stands behind the last of them.
inline std::vector<std::string_view> lines_of(std::string_view text, std::string_view& rest) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' && text[at] != '\n') continue;
    lines.push_back(text.substr(begin, at - begin));
    if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    begin = at + 1;
  }
  rest = text.substr(begin);
  return lines;
}

inline void interpret_retry(std::string_view value, Interpretation& result) {
  if (value.empty() || value.find_first_not_of("0123456789") != value.npos) return;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t number = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    number = number > (kMost - digit) / 10 ? kMost : number * 10 + digit;
  }
  result.retries.push_back(number);
}

inline Interpretation interpret(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  Interpretation result;
  std::string data;
  std::string type;
  std::string id;
  std::string_view rest;
  for (const std::string_view line : lines_of(text, rest)) {
    if (line.empty()) {
      ++result.blank_lines;
      result.is_whole = true;
      result.last_id = id;
      if (!data.empty()) {
        data.pop_back();
        result.messages.push_back({type, id, data});
      }
      data.clear();
      type.clear();
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0) continue;
    result.is_whole = false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    if (name == "data") data.append(value).push_back('\n');
    if (name == "event") type = value;
    if (name == "id" && value.find('\0') == value.npos) id = value;
    if (name == "retry") interpret_retry(value, result);
  }
  if (!rest.empty()) result.is_whole = false;
  return result;
}

}  // namespace sluice::sse
