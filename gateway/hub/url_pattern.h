/// UrlPattern: which URLs are meant (WHATWG URL Pattern Standard, made from one string).
///
/// Eight components, each held against its part of a URL. Only what the standard calls a match is
/// here: nothing is captured, and case counts but in protocol and host, where parsing lowers it.
/// A regular expression may hold what RE2 and JavaScript agree about, and no more than
/// PatternComponent's limits.
/// Thread  immutable after parse(); any.
/// Errors  Errc::invalid, with a sentence.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/hub/pattern_component.h"
#include "gateway/hub/url.h"

namespace sluice::hub {

class UrlPattern {
 public:
  static constexpr std::size_t kMaxLength = 4096;  ///< Bytes of a pattern.
  static constexpr std::size_t kComponents = 8;
  /// The patterns of the components: protocol, username, password, hostname, port, pathname,
  /// search, hash. None: not spoken of.
  using Init = std::array<std::optional<std::string>, kComponents>;

  /// A relative pattern takes what it leaves out from `base`.
  static Result<UrlPattern> parse(std::string_view text, const Url* base);

  [[nodiscard]] bool matches(const Url& url) const;

 private:
  explicit UrlPattern(std::array<PatternComponent, kComponents> components)
      : components_(std::move(components)) {}

  std::array<PatternComponent, kComponents> components_;
};

}  // namespace sluice::hub
