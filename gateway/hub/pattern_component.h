/// PatternComponent: the pattern of one component of a URL (WHATWG URL Pattern Standard §2).
///
/// A fixed prefix, then nothing, anything, one segment, or what an RE2 expression says: most
/// patterns need no expression, and of the others most topics are turned away by the prefix.
/// A match costs at most kMaxProgram steps for each byte, whatever the pattern.
/// Thread  immutable after compile(); any.
/// Errors  Errc::invalid, with a sentence.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace re2 {
class RE2;
}

namespace sluice::hub {

class PatternComponent {
 public:
  static constexpr std::size_t kMaxProgram = 512;     ///< Instructions of one expression.
  static constexpr std::size_t kMaxMemory = 256_KiB;  ///< Of one expression, and its states.

  /// How a component is read: "options" and "encoding callback" of the standard.
  struct Syntax {
    char delimiter = 0;  ///< Where `:name` ends; 0: at the end.
    char prefix = 0;     ///< Belongs to the group that it stands before; 0: nothing does.
    /// Puts fixed text into canonical form; none when it may not stand there.
    std::optional<std::string> (*encode)(std::string_view text) = nullptr;
  };

  static Result<PatternComponent> compile(std::string_view pattern, const Syntax& syntax);
  /// Matches `text` only.
  static PatternComponent of(std::string text);

  [[nodiscard]] bool matches(std::string_view text) const;
  /// The one text that matches; none when there may be others.
  [[nodiscard]] const std::string* literal() const {
    return tail_ == Tail::nothing ? &prefix_ : nullptr;
  }

 private:
  enum class Tail { nothing, anything, segment, expression };

  std::string prefix_;
  Tail tail_ = Tail::nothing;
  char delimiter_ = 0;  ///< Of the segment.
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace sluice::hub
