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
#include <vector>

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
  /// What is looked at first of a route, close together.
  struct Entry {
    std::string path;  ///< Without a final "*".
    bool is_prefix;
    const RouteOptions* route;
  };

  // Set in the constructor.
  std::vector<Entry> entries_;
  bool has_hosts_ = false;  ///< Some route asks for one.
};

/// "Example.ORG.:443" is "example.org", "[::1]:80" is "[::1]": what routes compare.
std::string host_of(std::string_view authority);
/// `pattern`: "example.org", or "*.example.org" for all below it. `host` as host_of() gives it.
bool match_host(std::string_view pattern, std::string_view host);

}  // namespace sluice::relay
