/// The scenes that there are; each file says what it plays.
#pragma once

#include <memory>

#include "bench/crowd/scene.h"

namespace sluice::bench {

std::unique_ptr<Scene> make_flood(const CrowdOptions& options);
std::unique_ptr<Scene> make_follow(const CrowdOptions& options);
std::unique_ptr<Scene> make_fair(const CrowdOptions& options);
std::unique_ptr<Scene> make_slow(const CrowdOptions& options);
std::unique_ptr<Scene> make_million(const CrowdOptions& options);
std::unique_ptr<Scene> make_storm(const CrowdOptions& options);
std::unique_ptr<Scene> make_overload(const CrowdOptions& options);

}  // namespace sluice::bench
