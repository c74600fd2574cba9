/// What a configuration does that its author may not have meant, though it can work.
///
/// Thread  main, before start.
#pragma once

#include <vector>

#include "gateway/server/config.h"
#include "gateway/server/config_check.h"

namespace sluice::server {

/// `config` was checked, and `places` are those of its file. A warning says what to do about it.
std::vector<Fault> warnings_of(const Config& config, const Places& places);

}  // namespace sluice::server
