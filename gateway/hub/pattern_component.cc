#include "gateway/hub/pattern_component.h"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <re2/re2.h>

#include "gateway/hub/pattern_parts.h"

namespace sluice::hub {
namespace {

/// One segment, not empty, as an expression.
std::string segment_expression(char delimiter) {
  return delimiter == 0 ? ".+" : fmt::format("[^{}]+", RE2::QuoteMeta({&delimiter, 1}));
}

/// "Generate a regular expression" of the standard, for one part; without its captures, which
/// nobody reads.
std::string expression_of(const Part& part, char delimiter) {
  const std::string modifier(part.modifier == 0 ? 0 : 1, part.modifier);
  if (part.type == Part::Type::text) {
    return fmt::format("(?:{}){}", RE2::QuoteMeta(part.value), modifier);
  }
  const std::string value = part.type == Part::Type::regexp    ? part.value
                            : part.type == Part::Type::segment ? segment_expression(delimiter)
                                                               : ".*";
  if (part.prefix.empty() && part.suffix.empty()) return fmt::format("(?:{}){}", value, modifier);
  const std::string prefix = RE2::QuoteMeta(part.prefix);
  const std::string suffix = RE2::QuoteMeta(part.suffix);
  if (part.modifier == 0 || part.modifier == '?') {
    return fmt::format("(?:{}(?:{}){}){}", prefix, value, suffix, modifier);
  }
  return fmt::format("(?:{0}(?:{1})(?:{2}{0}(?:{1}))*{2}){3}", prefix, value, suffix,
                     part.modifier == '*' ? "?" : "");
}

Result<std::shared_ptr<const RE2>> make_expression(const std::string& text) {
  RE2::Options options(RE2::Latin1);  // What it is held against is ASCII.
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_max_mem(PatternComponent::kMaxMemory);
  auto expression = std::make_shared<const RE2>(text, options);
  if (!expression->ok()) {
    return fail(Errc::invalid,
                fmt::format("an expression cannot be used: {}", expression->error()));
  }
  if (static_cast<std::size_t>(expression->ProgramSize()) > PatternComponent::kMaxProgram) {
    return fail(Errc::invalid, "it is too large");
  }
  return expression;
}

}  // namespace

Result<PatternComponent> PatternComponent::compile(std::string_view pattern, const Syntax& syntax) {
  auto parsed = parse_parts(pattern, syntax);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  const std::vector<Part>& parts = *parsed;
  PatternComponent made;
  made.delimiter_ = syntax.delimiter;
  auto part = parts.begin();
  for (; part != parts.end() && part->type == Part::Type::text && part->modifier == 0; ++part) {
    made.prefix_ += part->value;
  }
  if (part == parts.end()) return made;
  const bool is_simple = part + 1 == parts.end() && part->modifier == 0 && part->suffix.empty();
  if (is_simple && part->type != Part::Type::regexp) {
    made.prefix_ += part->prefix;
    made.tail_ = part->type == Part::Type::anything ? Tail::anything : Tail::segment;
    return made;
  }
  std::string text;
  for (; part != parts.end(); ++part) text += expression_of(*part, syntax.delimiter);
  auto expression = make_expression(text);
  if (!expression) return tl::unexpected<Error>(expression.error());
  made.tail_ = Tail::expression;
  made.expression_ = std::move(*expression);
  return made;
}

PatternComponent PatternComponent::of(std::string text) {
  PatternComponent made;
  made.prefix_ = std::move(text);
  return made;
}

bool PatternComponent::matches(std::string_view text) const {
  if (!text.starts_with(prefix_)) return false;
  text.remove_prefix(prefix_.size());
  switch (tail_) {
    case Tail::nothing:
      return text.empty();
    case Tail::anything:
      return true;
    case Tail::segment:
      return !text.empty() && (delimiter_ == 0 || text.find(delimiter_) == std::string_view::npos);
    case Tail::expression:
      return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *expression_);
  }
  return false;
}

}  // namespace sluice::hub
