/// RouteMatch: which route takes a request.
///
/// Thread    any; it does not change.
/// Lifetime  the routes outlive it.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/http/message.h"
#include "gateway/relay/options.h"

namespace sluice::relay {

class RouteMatch {
 public:
  explicit RouteMatch(std::span<const RouteOptions> routes);

  /// The first route that fits in all that it asks for: host, path, method, fields.
  [[nodiscard]] std::optional<std::size_t> match(const http::Request& request) const;
  /// False: no route would ever take a request for this authority, whatever its path (421). True
  /// for all when no route asks for hosts.
  [[nodiscard]] bool knows_host(std::string_view authority) const;

 private:
  // Set in the constructor.
  const std::span<const RouteOptions> routes_;
  const bool has_hosts_;  ///< Some route asks for one.
};

/// "Example.ORG.:443" is "example.org", "[::1]:80" is "[::1]": what routes compare.
std::string host_of(std::string_view authority);
/// `pattern`: "example.org", or "*.example.org" for all below it. `host` as host_of() gives it.
bool match_host(std::string_view pattern, std::string_view host);

}  // namespace sluice::relay
