#include "gateway/hub/pattern_parts.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/hub/pattern_tokens.h"

namespace sluice::hub {
namespace {

/// Looks at a regular expression before RE2 does. What means something else in JavaScript, or
/// would cost much to compile, is refused: repetitions are counted as if they were written out.
class RegexpCheck {
 public:
  explicit RegexpCheck(std::string_view text) : text_(text) {}

  /// The fault, as a sentence; none when there is none.
  std::optional<std::string> run() {
    for (; at_ < text_.size() && fault_.empty(); ++at_) {
      switch (text_[at_]) {
        case '\\':
          escape();
          break;
        case '[':
          set();
          break;
        case '(':
          open();
          break;
        case ')':
          close();
          break;
        case '{':
          repetition();
          break;
        case '|':
          last_ = 0;
          break;
        case ']':
        case '}':
          fault_ = "a bracket or brace in it is not opened";
          break;
        case '*':
        case '+':
        case '?':
          break;
        default:
          add(1);
      }
      if (sums_.back() > PatternComponent::kMaxProgram) fault_ = "it is too large";
    }
    if (fault_.empty() && sums_.size() > 1) fault_ = "a parenthesis is not closed";
    return fault_.empty() ? std::nullopt : std::optional(fault_);
  }
  /// After run(): its characters and sets, with repetitions written out.
  [[nodiscard]] std::size_t weight() const { return sums_.front(); }

 private:
  void add(std::size_t weight) {
    sums_.back() += weight;
    last_ = weight;
  }
  void open() {
    if (!text_.substr(at_).starts_with("(?:")) {
      fault_ = "only groups of the form (?:…) are possible in it";
      return;
    }
    at_ += 2;
    sums_.push_back(0);
    last_ = 0;
  }
  void close() {
    if (sums_.size() == 1) {
      fault_ = "a parenthesis is not opened";
      return;
    }
    const std::size_t weight = std::max<std::size_t>(sums_.back(), 1);
    sums_.pop_back();
    add(weight);
  }
  void escape() {
    ++at_;
    const bool is_letter = text_.substr(at_, 1).find_first_of("dDsSwWbBtnvfr") == 0;
    const bool is_sign = text_.substr(at_, 1).find_first_of("^$\\.*+?()[]{}|/-") == 0;
    if (!is_letter && !is_sign) fault_ = "an escape in it is unknown, or not supported";
    add(1);
  }
  void set() {
    // JavaScript has sets of sets and operations on them; RE2 would read them as characters.
    for (++at_; at_ < text_.size() && text_[at_] != ']'; ++at_) {
      const std::string_view two = text_.substr(at_, 2);
      if (text_[at_] == '[' || two == "--" || two == "&&") {
        fault_ = "sets in [sets] are not supported";
        return;
      }
      if (text_[at_] == '\\') escape();
    }
    add(1);
  }
  void repetition() {
    const std::size_t end = text_.find('}', at_);
    const std::string_view body = text_.substr(at_ + 1, end - at_ - 1);
    const std::size_t comma = std::min(body.find(','), body.size());
    const auto low = count(body.substr(0, comma));
    const auto high = comma + 1 < body.size() ? count(body.substr(comma + 1)) : low;
    if (end == std::string_view::npos || !low || !high) {
      fault_ = "a repetition is {n}, {n,} or {n,m}; \"\\{\" is a brace that means itself";
      return;
    }
    // With the comma, what is repeated stands once more.
    const std::size_t times = std::max({*low, *high, std::size_t{1}}) + (comma < body.size());
    const std::size_t weight = last_;
    sums_.back() += weight * (times - 1);
    last_ = weight * times;
    at_ = end;
  }
  /// What is too large in any case is not told apart.
  static std::optional<std::size_t> count(std::string_view digits) {
    constexpr std::size_t kTooMany = PatternComponent::kMaxProgram + 1;
    std::size_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, value);
    if (at != end || error == std::errc::invalid_argument) return std::nullopt;
    return error == std::errc{} ? std::min(value, kTooMany) : kTooMany;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::size_t> sums_{0};  ///< Of the open groups.
  std::size_t last_ = 0;              ///< Of what a repetition would repeat.
  std::string fault_;
};

class PartParser {
 public:
  PartParser(std::vector<Token> tokens, const PatternComponent::Syntax& syntax)
      : tokens_(std::move(tokens)), syntax_(syntax) {}

  Result<std::vector<Part>> run() {
    while (fault_.empty() && at_ < tokens_.size()) step();
    if (!fault_.empty()) return fail(Errc::invalid, fault_);
    return std::move(parts_);
  }

 private:
  struct Group {
    const Token* name = nullptr;
    const Token* value = nullptr;  ///< A regular expression or an asterisk.
    std::string_view prefix = {};
    std::string_view suffix = {};
  };

  void step() {
    const Token* character = take(TokenType::character);
    if (Group group = take_group(); group.name != nullptr || group.value != nullptr) {
      if (character != nullptr && syntax_.prefix != 0 && character->value[0] == syntax_.prefix) {
        group.prefix = character->value;
      } else if (character != nullptr) {
        text_ += character->value;
      }
      add(group);
      return;
    }
    if (character == nullptr) character = take(TokenType::escaped);
    if (character != nullptr) {
      text_ += character->value;
    } else if (take(TokenType::open) != nullptr) {
      braces();
    } else if (take(TokenType::end) != nullptr) {
      add_text();
    } else {
      const Token& token = tokens_[at_];
      refuse(fmt::format("\"{}\" has nothing before it that it could stand for (at byte {})",
                         token.value, token.index + 1));
    }
  }

  void braces() {
    const std::string prefix = take_text();
    Group group = take_group();
    const std::string suffix = take_text();
    if (take(TokenType::close) == nullptr) {
      refuse(fmt::format("braces hold text, one group and text, and are closed (at byte {})",
                         tokens_[at_].index + 1));
      return;
    }
    group.prefix = prefix;
    group.suffix = suffix;
    add(group);
  }

  const Token* take(TokenType type) {
    if (tokens_[at_].type != type) return nullptr;
    return &tokens_[at_++];
  }
  Group take_group() {
    Group group;
    group.name = take(TokenType::name);
    group.value = take(TokenType::regexp);
    if (group.name == nullptr && group.value == nullptr) group.value = take(TokenType::asterisk);
    return group;
  }
  std::string take_text() {
    std::string text;
    for (;;) {
      const Token* token = take(TokenType::character);
      if (token == nullptr) token = take(TokenType::escaped);
      if (token == nullptr) return text;
      text += token->value;
    }
  }

  /// A group with what belongs to it; its modifier comes next.
  void add(const Group& group) {
    const Token* modifier = take(TokenType::modifier);
    if (modifier == nullptr) modifier = take(TokenType::asterisk);
    const char sign = modifier == nullptr ? '\0' : modifier->value[0];
    const bool is_text = group.name == nullptr && group.value == nullptr;
    if (is_text && sign == 0) {
      text_ += group.prefix;
      return;
    }
    add_text();
    if (is_text) {
      if (!group.prefix.empty()) {
        parts_.push_back(
            {.type = Part::Type::text, .value = encoded(group.prefix), .modifier = sign});
      }
      return;
    }
    Part part = part_of(group);
    part.modifier = sign;
    part.prefix = encoded(group.prefix);
    part.suffix = encoded(group.suffix);
    parts_.push_back(std::move(part));
  }

  Part part_of(const Group& group) {
    if (group.name != nullptr && !names_.insert(group.name->value).second) {
      refuse(fmt::format("the name \"{}\" stands twice in it", group.name->value));
    }
    if (group.value == nullptr) return {.type = Part::Type::segment};
    const bool is_regexp = group.value->type == TokenType::regexp;
    if (!is_regexp || group.value->value == ".*") return {.type = Part::Type::anything};
    RegexpCheck check(group.value->value);
    if (const auto fault = check.run()) {
      refuse(fmt::format("the expression ({}) cannot be used: {}", group.value->value, *fault));
    }
    weight_ += check.weight();
    if (weight_ > PatternComponent::kMaxProgram) refuse("its expressions are too large together");
    return {.type = Part::Type::regexp, .value = std::string(group.value->value)};
  }

  void add_text() {
    if (text_.empty()) return;
    parts_.push_back({.type = Part::Type::text, .value = encoded(text_)});
    text_.clear();
  }

  std::string encoded(std::string_view text) {
    if (text.empty()) return {};
    auto result = syntax_.encode(text);
    if (!result) refuse(fmt::format("\"{}\" may not stand in it", text));
    return result ? std::move(*result) : std::string();
  }

  void refuse(std::string sentence) {
    if (fault_.empty()) fault_ = std::move(sentence);
  }

  const std::vector<Token> tokens_;
  const PatternComponent::Syntax& syntax_;
  std::size_t at_ = 0;
  std::string text_;  ///< Fixed, and not yet a part: more may come.
  std::set<std::string_view> names_;
  std::size_t weight_ = 0;  ///< Of the regular expressions.
  std::vector<Part> parts_;
  std::string fault_;
};

}  // namespace

Result<std::vector<Part>> parse_parts(std::string_view pattern,
                                      const PatternComponent::Syntax& syntax) {
  auto tokens = tokenize(pattern, TokenPolicy::strict);
  if (!tokens) return tl::unexpected<Error>(tokens.error());
  return PartParser(std::move(*tokens), syntax).run();
}

}  // namespace sluice::hub
