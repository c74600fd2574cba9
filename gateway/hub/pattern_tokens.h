/// The words of a URL pattern (WHATWG URL Pattern Standard §2.1, "tokenize").
///
/// Thread  any; plain values.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"

namespace sluice::hub {

enum class TokenType {
  open,       ///< {
  close,      ///< }
  regexp,     ///< (…); the value is what stands between the parentheses.
  name,       ///< :name; the value is without the colon.
  character,  ///< One byte that means itself.
  escaped,    ///< The same behind a backslash.
  modifier,   ///< ? or +
  asterisk,   ///< A wildcard or a modifier.
  end,
  invalid,  ///< Only if lenient: what would be an error in the pattern of one component.
};

struct Token {
  TokenType type;
  std::size_t index;       ///< Where it begins.
  std::string_view value;  ///< Good as long as the text.
};

/// Lenient is for a whole pattern, in which "https:" is no broken name.
enum class TokenPolicy { strict, lenient };
/// The last token is `end`. Fails only if strict.
Result<std::vector<Token>> tokenize(std::string_view text, TokenPolicy policy);

}  // namespace sluice::hub
