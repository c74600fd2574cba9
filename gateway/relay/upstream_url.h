/// UpstreamUrl: what an upstream's URL says.
///
/// Thread  any; plain values. Errors  Errc::invalid with a sentence that says what would be right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::relay {

/// "http://127.0.0.1:9000", read.
struct UpstreamUrl {
  bool is_tls = false;
  std::string host;  ///< A name, or an address without brackets.
  std::uint16_t port = 80;
  std::string authority;  ///< As written: what Host is when the route says so.
};
/// Scheme, host and port, and nothing behind them but a '/'.
Result<UpstreamUrl> parse_upstream_url(std::string_view text);

}  // namespace sluice::relay
