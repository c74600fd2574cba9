#include "gateway/hub/url_pattern.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/base/utf8.h"
#include "gateway/hub/pattern_string.h"
#include "gateway/hub/url_text.h"

namespace sluice::hub {
namespace {

using Syntax = PatternComponent::Syntax;
using Text = std::optional<std::string>;

constexpr std::array<std::string Url::*, UrlPattern::kComponents> kFields{
    &Url::protocol, &Url::username, &Url::password, &Url::hostname,
    &Url::port,     &Url::pathname, &Url::search,   &Url::hash};
constexpr std::array<std::string_view, UrlPattern::kComponents> kNames{
    "protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"};

template <EncodeSet set>
Text encode(std::string_view text) {
  return percent_encode(text, set);
}

Text encode_domain(std::string_view text) {
  return canonical_name(text, true);
}
Text encode_opaque_host(std::string_view text) {
  return canonical_name(text, false);
}

Text encode_ipv6(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdefABCDEF[]:") != std::string_view::npos) {
    return std::nullopt;
  }
  return to_lower(text);
}

/// A piece of a path, which may begin in the middle of a segment: then a '-' stands for what is
/// before it, so that its dots are not taken for a whole segment.
Text encode_path(std::string_view text) {
  std::string path;
  if (text.starts_with('/')) {
    append_path(path, text.substr(1), false);
    return path;
  }
  append_path(path, fmt::format("-{}", text), false);
  return path.substr(std::min<std::size_t>(2, path.size()));
}

/// A text from a URL, as a pattern that matches it.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("+*?:{}()\\").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

bool is_absolute_path(std::string_view pattern) {
  return pattern.starts_with('/') || pattern.starts_with("\\/") || pattern.starts_with("{/");
}

/// "Process a URLPatternInit": the base gives what comes before the first component that the
/// pattern speaks of, but never a login. In the standard "urn\:a" is relative, too, and so matches
/// nothing; here a pattern with a protocol is not.
void inherit(UrlPattern::Init& init, const Url& base) {
  const UrlPattern::Init own = init;
  if (own[kProtocol]) return;
  for (const std::size_t component : {kProtocol, kHostname, kPort, kPathname, kSearch, kHash}) {
    if (own[component]) break;
    init[component] = escaped(base.*kFields[component]);
  }
  if (own[kPathname] && !base.has_opaque_path && !is_absolute_path(*own[kPathname])) {
    const std::string path = escaped(base.pathname);
    init[kPathname] = path.substr(0, path.rfind('/') + 1) + *own[kPathname];
  }
}

void normalise(UrlPattern::Init& init) {
  if (init[kSearch] && init[kSearch]->starts_with('?')) init[kSearch]->erase(0, 1);
  if (init[kHash] && init[kHash]->starts_with('#')) init[kHash]->erase(0, 1);
  for (auto& pattern : init) {
    if (!pattern) pattern = "*";
  }
  if (!init[kPort]->empty() && *init[kPort] == default_port(*init[kProtocol])) init[kPort] = "";
}

Syntax syntax_of(std::size_t component, bool is_special, std::string_view pattern) {
  switch (component) {
    case kUsername:
    case kPassword:
      return {.encode = encode<EncodeSet::userinfo>};
    case kHostname: {
      const bool is_ipv6 =
          pattern.starts_with('[') || pattern.starts_with("{[") || pattern.starts_with("\\[");
      return {.delimiter = '.',
              .encode = is_ipv6      ? encode_ipv6
                        : is_special ? encode_domain
                                     : encode_opaque_host};
    }
    case kPort:
      return {.encode = canonical_port};
    case kPathname:
      if (is_special) return {.delimiter = '/', .prefix = '/', .encode = encode_path};
      return {.encode = encode<EncodeSet::control>};
    case kSearch:
      return {.encode = encode<EncodeSet::query>};
    case kHash:
      return {.encode = encode<EncodeSet::fragment>};
    default:
      return {.encode = canonical_scheme};
  }
}

tl::unexpected<Error> in_component(std::size_t component, const Error& error) {
  return fail(error.code, fmt::format("the {} of the pattern: {}", kNames[component], error.what));
}

}  // namespace

Result<UrlPattern> UrlPattern::parse(std::string_view text, const Url* base) {
  if (text.size() > kMaxLength) {
    return fail(Errc::invalid, fmt::format("the pattern is {} bytes long; at most {} are allowed",
                                           text.size(), kMaxLength));
  }
  if (!is_utf8(text)) return fail(Errc::invalid, "the pattern is not UTF-8");
  auto init = split_pattern(without_line_breaks(text));
  if (!init) return in_component(kProtocol, init.error());
  if (base != nullptr) {
    inherit(*init, *base);
  } else if (!(*init)[kProtocol]) {
    return fail(Errc::invalid, "the pattern is relative, and there is no URL that it could be to");
  }
  normalise(*init);
  std::array<PatternComponent, kComponents> components;
  bool is_special = false;
  for (std::size_t i = 0; i < kComponents; ++i) {
    const std::string& pattern = *(*init)[i];
    auto compiled = PatternComponent::compile(pattern, syntax_of(i, is_special, pattern));
    if (!compiled) return in_component(i, compiled.error());
    components[i] = std::move(*compiled);
    if (i == kProtocol) is_special = matches_special(components[i]);
    if (i != kHostname) continue;
    // A host that is wholly known may be an address, which is written in more than one way.
    if (const std::string* host = components[i].literal(); host != nullptr && !host->empty()) {
      auto canonical = canonical_host(*host, is_special);
      if (!canonical) return fail(Errc::invalid, fmt::format("\"{}\" is no host", *host));
      components[i] = PatternComponent::of(std::move(*canonical));
    }
  }
  return UrlPattern(std::move(components));
}

bool UrlPattern::matches(const Url& url) const {
  for (std::size_t i = 0; i < kComponents; ++i) {
    if (!components_[i].matches(url.*kFields[i])) return false;
  }
  return true;
}

}  // namespace sluice::hub
