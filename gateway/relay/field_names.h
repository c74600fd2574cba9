/// Which header fields go no farther than from one server to the next.
///
/// Thread  any; pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice::relay {

/// Speaks of the connection or of a message's framing (RFC 9110 §7.6.1), or of a proxy, or belongs
/// to the gateway: it neither passes nor can be set by a route. h1 and h2 have dealt with most of
/// them; this is what the relay itself never writes. `name` is in lower case.
inline bool is_ours_alone(std::string_view name) {
  constexpr std::array<std::string_view, 14> kNames{"connection",
                                                    "content-length",
                                                    "expect",
                                                    "host",
                                                    "http2-settings",
                                                    "keep-alive",
                                                    "proxy-authenticate",
                                                    "proxy-authentication-info",
                                                    "proxy-authorization",
                                                    "proxy-connection",
                                                    "te",
                                                    "trailer",
                                                    "transfer-encoding",
                                                    "upgrade"};
  constexpr std::string_view kInternal = "sluice-";
  return std::binary_search(kNames.begin(), kNames.end(), name) ||
         name.substr(0, kInternal.size()) == kInternal;
}

}  // namespace sluice::relay
