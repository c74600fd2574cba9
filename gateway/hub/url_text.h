/// The pieces of a URL in canonical form (WHATWG URL Standard), for Url and for UrlPattern.
///
/// What comes out is ASCII. Differences to the standard: a host that is not ASCII is kept as
/// percent-encoded UTF-8, since Punycode and its tables are not here; both sides of a match are
/// treated alike, but `xn--` names are names of their own. File paths know no drive letters.
/// Thread  any; plain values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::hub {

/// The percent-encode sets of URL §1.3: each names what may not stand unescaped.
enum class EncodeSet { control, fragment, query, special_query, path, userinfo };
std::string percent_encode(std::string_view text, EncodeSet set);

inline constexpr std::string_view kSpecialSchemes[] = {"http", "https", "ws", "wss", "ftp", "file"};
bool is_special(std::string_view scheme);
/// "443" for "https"; empty when there is none.
std::string_view default_port(std::string_view scheme);

/// Lower-cased; none when `text` is no scheme.
std::optional<std::string> canonical_scheme(std::string_view text);
/// A whole host: a name, an IPv4 address in any of its forms, or "[…]" of IPv6.
std::optional<std::string> canonical_host(std::string_view text, bool is_special);
/// A piece of a host name, which is never taken for an address.
std::optional<std::string> canonical_name(std::string_view text, bool is_special);
/// Digits up to 65535, without leading zeros.
std::optional<std::string> canonical_port(std::string_view digits);
/// Appends the segments of `text`, which stand behind a slash; "." and ".." are resolved.
void append_path(std::string& path, std::string_view text, bool is_special);
/// Takes the last segment away.
void shorten_path(std::string& path);

/// Without tabs and line ends, which browsers drop wherever they stand in a URL.
std::string without_line_breaks(std::string_view text);

}  // namespace sluice::hub
