#include "bench/load/event_scanner.h"

#include <fmt/core.h>

namespace sluice::bench {
namespace {

/// Reads digits up to `end_mark`; false when there are none or something else is there.
template <class Number>
bool take_number(std::string_view& text, char end_mark, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != end_mark) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

std::string encode_token(const Token& token, std::size_t size) {
  auto text = fmt::format("~{}.{}.{}~", token.sequence, token.sent_ns, token.publisher);
  if (text.size() < size) text.resize(size, 'x');
  return text;
}

void append_event(std::string& body, std::string_view topic, const Token& token, std::size_t size) {
  body += "topic: ";
  body += topic;
  body += "\ndata: ";
  body += encode_token(token, size);
  body += "\n\n";
}

std::optional<Token> parse_token(std::string_view data) {
  if (!data.starts_with('~')) return std::nullopt;
  data.remove_prefix(1);
  Token token;
  if (take_number(data, '.', token.sequence) && take_number(data, '.', token.sent_ns) &&
      take_number(data, '~', token.publisher)) {
    return token;
  }
  return std::nullopt;
}

}  // namespace sluice::bench
