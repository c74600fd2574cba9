/// Text as JSON's strings: the few that the relay writes are put together by hand.
///
/// Thread  any; pure function.
#pragma once

#include <string>
#include <string_view>

namespace sluice::relay {

/// `"text"` with quotes, on one line whatever the text; what is not UTF-8 becomes U+FFFD.
std::string json_text(std::string_view text);

}  // namespace sluice::relay
