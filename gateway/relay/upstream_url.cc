#include "gateway/relay/upstream_url.h"

#include <charconv>
#include <system_error>

#include <fmt/format.h>

namespace sluice::relay {
namespace {

/// `rest` is what stands behind the scheme of `text`.
std::string too_much(std::string_view text, std::string_view rest) {
  const std::size_t end = rest.find_first_of("/?#@ \\");
  if (rest[end] != '/') return fmt::format("\"{}\" has more than scheme, host and port", text);
  const auto scheme = static_cast<std::size_t>(rest.data() - text.data());
  const std::string_view path = rest.substr(end);
  return fmt::format(
      "\"{}\" has a path, which belongs into the route: write \"{}\" here, and there rewrite = "
      "\"{}/*\" (strip_prefix takes one away)",
      text, text.substr(0, scheme + end), path.substr(0, path.find_first_of("?#")));
}

}  // namespace

Result<UpstreamUrl> parse_upstream_url(std::string_view text) {
  UpstreamUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.is_tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is no upstream's URL, as in \"http://127.0.0.1:9000\"", text));
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ \\") != rest.npos) return fail(Errc::invalid, too_much(text, rest));
  url.authority = rest;
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return fail(Errc::invalid, fmt::format("\"{}\" names no host", text));
  url.host = host;
  if (colon == std::string_view::npos) return url;
  const std::string_view port = rest.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
  if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) {
    return fail(Errc::invalid, fmt::format("\"{}\" has no port from 1 to 65535", text));
  }
  return url;
}

}  // namespace sluice::relay
