/// From the [[route]] and [[upstream]] tables of a file to the relay's options.
///
/// Thread  main, before start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/server/config.h"
#include "gateway/server/config_check.h"

namespace sluice::server {

/// Puts `routes` into config.relay, where its upstreams are already: finds those that they name,
/// makes those that they give by URL (routes with the same URLs share one), and fills in what
/// depends on other options. Gives back what cannot be found out.
std::vector<Fault> set_routes(std::vector<Route> routes, const Places& places, Config& config);

/// Names that [[route]] tables are known by, each of its own: what the file says, or the path.
void set_route_names(std::vector<relay::RouteOptions>& routes);

/// What no single option of an upstream, or of a route, can tell.
std::vector<Fault> check_upstreams(const Config& config, const Places& places);
std::vector<Fault> check_routes(const Config& config, const Places& places);

}  // namespace sluice::server
