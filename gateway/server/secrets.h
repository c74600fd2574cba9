/// What is left out of a log: credentials in a query, in a URL or in any text become "REDACTED".
///
/// A log goes to more places than a request does, and stays for longer. So it is rather a harmless
/// word too many that is left out than a secret that is kept: names are compared without their
/// punctuation, and escapes are read as often as somebody may have written them.
/// Thread  any; pure functions. Each takes a time that is linear in the text.
#pragma once

#include <string>
#include <string_view>

namespace sluice::server {

/// JSON web tokens become REDACTED wherever they stand: base64url that begins with "eyJ" and has a
/// dot in it, any of its letters percent-encoded or not.
[[nodiscard]] std::string without_tokens(std::string_view text);

/// "access_token=…" and its like in a query become "access_token=REDACTED". In a value that holds a
/// URL or a query of its own, all behind the first such name does; who logs in there is left out.
[[nodiscard]] std::string without_secrets(std::string_view query);

/// The same of an absolute or a relative URL, without its fragment, and without who logs in there.
[[nodiscard]] std::string url_without_secrets(std::string_view url);

}  // namespace sluice::server
