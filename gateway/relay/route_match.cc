#include "gateway/relay/route_match.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "gateway/base/ascii.h"
#include "gateway/relay/path.h"

namespace sluice::relay {
namespace {

bool takes_host(const RouteOptions& route, std::string_view host) {
  return route.hosts.empty() ||
         std::any_of(route.hosts.begin(), route.hosts.end(),
                     [&](const std::string& pattern) { return match_host(pattern, host); });
}

bool takes_method(const RouteOptions& route, const std::string& method) {
  return route.methods.empty() ||
         std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
}

bool takes_fields(const RouteOptions& route, const http::Headers& fields) {
  return std::all_of(
      route.match_headers.begin(), route.match_headers.end(), [&](const http::Field& wanted) {
        return std::any_of(fields.begin(), fields.end(), [&](const http::Field& field) {
          return field.name == wanted.name && (wanted.value == "*" || field.value == wanted.value);
        });
      });
}

}  // namespace

std::string host_of(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && (bracket == authority.npos || colon > bracket);
  if (has_port) authority = authority.substr(0, colon);
  if (!authority.empty() && authority.back() == '.') authority.remove_suffix(1);
  return to_lower(authority);
}

bool match_host(std::string_view pattern, std::string_view host) {
  if (pattern.substr(0, 2) != "*.") return pattern == host;
  pattern.remove_prefix(1);
  return host.size() > pattern.size() && host.substr(host.size() - pattern.size()) == pattern;
}

RouteMatch::RouteMatch(std::span<const RouteOptions> routes) {
  for (const RouteOptions& route : routes) {
    const bool is_prefix = is_prefix_pattern(route.path);
    const std::string_view fixed(route.path.data(), route.path.size() - (is_prefix ? 1 : 0));
    entries_.push_back({canonical_path(fixed), is_prefix, &route});
    has_hosts_ = has_hosts_ || !route.hosts.empty();
  }
}

std::optional<std::size_t> RouteMatch::match(const http::Request& request) const {
  std::string canonical;
  std::string_view path = request.path;
  if (path.find('%') != path.npos) path = canonical = canonical_path(path);
  const std::string host = has_hosts_ ? host_of(request.authority) : std::string();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[i];
    if (entry.is_prefix ? path.size() < entry.path.size() : path.size() != entry.path.size()) {
      continue;
    }
    if (std::memcmp(path.data(), entry.path.data(), entry.path.size()) != 0) continue;
    const RouteOptions& route = *entry.route;
    if (takes_method(route, request.method) && takes_host(route, host) &&
        takes_fields(route, request.headers)) {
      return i;
    }
  }
  return std::nullopt;
}

bool RouteMatch::knows_host(std::string_view authority) const {
  if (!has_hosts_) return true;
  const std::string host = host_of(authority);
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return takes_host(*entry.route, host); });
}

}  // namespace sluice::relay
