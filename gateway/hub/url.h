/// Url: an absolute URL in its parts, as the WHATWG URL Standard parses it (§4.4).
///
/// For topics and for what URL patterns match; url_text.h says where the standard is left.
/// Thread  plain value; any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::hub {

struct Url {
  std::string protocol;  ///< Without ':'.
  std::string username;
  std::string password;
  std::string hostname;  ///< An IPv6 address in its brackets; empty when there is none.
  std::string port;      ///< Empty for the default one.
  std::string pathname;
  std::string search;            ///< Without '?'.
  std::string hash;              ///< Without '#'.
  bool has_opaque_path = false;  ///< "urn:a:b": no relative reference but "#…" can be resolved.

  /// `text` alone, or against `base`. None when it does not parse, or is not UTF-8.
  static std::optional<Url> parse(std::string_view text, const Url* base = nullptr);

  friend bool operator==(const Url&, const Url&) = default;
};

}  // namespace sluice::hub
