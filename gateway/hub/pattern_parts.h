/// The parts of one component's pattern, in order (WHATWG URL Pattern Standard §2.1, "parse a
/// pattern string"), and the check of the regular expressions in it.
///
/// Thread  any; plain values.
/// Errors  Errc::invalid, with a sentence.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hub/pattern_component.h"

namespace sluice::hub {

struct Part {
  enum class Type { text, regexp, segment, anything };

  Type type;
  std::string value = {};   ///< The text, or the regular expression.
  char modifier = 0;        ///< '?', '*', '+', or 0 for none.
  std::string prefix = {};  ///< Comes and goes with the group.
  std::string suffix = {};
};

Result<std::vector<Part>> parse_parts(std::string_view pattern,
                                      const PatternComponent::Syntax& syntax);

}  // namespace sluice::hub
