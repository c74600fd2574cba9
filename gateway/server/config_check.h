/// What no single option can tell: whether a configuration as a whole can work.
///
/// Thread  main, before start.
#pragma once

#include <string_view>
#include <vector>

#include "gateway/server/config.h"

namespace sluice::server {

/// As a browser sends it: scheme://host[:port].
[[nodiscard]] bool is_origin(std::string_view text);

/// `config` holds valid values; its file names are resolved.
std::vector<Fault> check(const Config& config, const Places& places);
/// Of it, what is about the Redis journal, or about another one that is told of a Redis.
std::vector<Fault> check_redis(const Config& config, const Places& places);

}  // namespace sluice::server
