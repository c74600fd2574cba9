/// Splits a URL pattern into the patterns of its components (WHATWG URL Pattern Standard §1.6,
/// "parse a constructor string").
///
/// Thread  any; plain values.
#pragma once

#include <cstddef>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/hub/url_pattern.h"

namespace sluice::hub {

/// Places in UrlPattern::Init.
inline constexpr std::size_t kProtocol = 0;
inline constexpr std::size_t kUsername = 1;
inline constexpr std::size_t kPassword = 2;
inline constexpr std::size_t kHostname = 3;
inline constexpr std::size_t kPort = 4;
inline constexpr std::size_t kPathname = 5;
inline constexpr std::size_t kSearch = 6;
inline constexpr std::size_t kHash = 7;

/// Fails when the protocol is no pattern: what comes behind it depends on what it matches.
Result<UrlPattern::Init> split_pattern(std::string_view text);

/// Whether this protocol could be one of those that URLs have rules for.
bool matches_special(const PatternComponent& protocol);
Result<PatternComponent> compile_protocol(std::string_view pattern);

}  // namespace sluice::hub
