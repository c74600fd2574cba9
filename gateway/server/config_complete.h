/// complete: what follows from options of a file, once all of them are read.
///
/// Thread  main, before start.
#pragma once

#include <filesystem>

#include "gateway/server/config.h"
#include "gateway/server/config_check.h"

namespace sluice::server {

/// Paths are relative to `folder`. Old connections get the drain's window, the windows of history
/// their bounds, keys of Mercure 1.0 whom their tokens are for, and there is a hub or none. All but
/// the routes, which set_routes() makes.
void complete(Config& config, const Places& places, const std::filesystem::path& folder);

}  // namespace sluice::server
