#include "gateway/hub/pattern_tokens.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"

namespace sluice::hub {
namespace {

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

/// The standard asks for JavaScript's identifiers; everything beyond ASCII is taken for a letter.
bool is_in_name(char c, bool is_first) {
  return is_alpha(c) || c == '_' || c == '$' || !is_ascii(c) || (!is_first && is_digit(c));
}

/// The length of the name that `text` begins with.
std::size_t name_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_in_name(text[length], length == 0)) ++length;
  return length;
}

/// The length of the expression that `text` begins with, up to its parenthesis. None when the
/// standard allows none there: it is ASCII, not empty, and has no capturing groups of its own.
std::optional<std::size_t> regexp_length(std::string_view text) {
  if (text.starts_with('?') || text.starts_with(')')) return std::nullopt;
  std::size_t depth = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_ascii(text[i])) return std::nullopt;
    if (text[i] == '\\') {
      if (++i == text.size() || !is_ascii(text[i])) return std::nullopt;
    } else if (text[i] == ')') {
      if (--depth == 0) return i;
    } else if (text[i] == '(') {
      if (i + 1 == text.size() || text[i + 1] != '?') return std::nullopt;
      ++depth;
    }
  }
  return std::nullopt;
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  /// Takes one token off the text.
  void next() {
    const std::string_view rest = text_.substr(at_ + 1);
    switch (text_[at_]) {
      case '*':
        return add(TokenType::asterisk, 0, 1);
      case '+':
      case '?':
        return add(TokenType::modifier, 0, 1);
      case '{':
        return add(TokenType::open, 0, 1);
      case '}':
        return add(TokenType::close, 0, 1);
      case '\\':
        if (rest.empty()) return add_invalid("nothing follows the last backslash");
        return add(TokenType::escaped, 1, 1);
      case ':':
        if (const std::size_t length = name_length(rest); length > 0) {
          return add(TokenType::name, 1, length);
        }
        return add_invalid("a colon begins a name; \"\\:\" is one that means itself");
      case '(':
        if (const auto length = regexp_length(rest)) {
          add(TokenType::regexp, 1, *length);
          ++at_;  // The closing parenthesis.
          return;
        }
        return add_invalid("a group (…) needs an end, and may hold no other group than (?:…)");
      default:
        return add(TokenType::character, 0, 1);
    }
  }
  [[nodiscard]] bool is_done() const { return at_ == text_.size(); }
  std::vector<Token> finish() {
    tokens_.push_back({TokenType::end, at_, {}});
    return std::move(tokens_);
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  /// A token of `length` bytes behind `skip` bytes of syntax.
  void add(TokenType type, std::size_t skip, std::size_t length) {
    tokens_.push_back({type, at_, text_.substr(at_ + skip, length)});
    at_ += skip + length;
  }
  void add_invalid(std::string_view sentence) {
    if (fault_.empty()) fault_ = fmt::format("{} (at byte {})", sentence, at_ + 1);
    add(TokenType::invalid, 0, 1);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
  std::string fault_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view text, TokenPolicy policy) {
  Tokenizer tokenizer(text);
  while (!tokenizer.is_done()) {
    tokenizer.next();
    if (policy == TokenPolicy::strict && !tokenizer.fault().empty()) {
      return fail(Errc::invalid, tokenizer.fault());
    }
  }
  return tokenizer.finish();
}

}  // namespace sluice::hub
