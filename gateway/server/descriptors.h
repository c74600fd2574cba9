/// Descriptors: how many the process may open, and so how many connections there may be.
///
/// Thread  main, before start.
#pragma once

#include <cstddef>

#include "gateway/server/config.h"

namespace sluice::server {

/// Raises our limit to what the system allows without asking; returns it. 0: it cannot be told.
std::size_t raise_descriptor_limit();

/// limits.connections, or what `descriptors` leave room for: some are kept back, for each worker's
/// own, and so that the admin listener answers when clients have taken all others. Fewer than the
/// configuration asks for are told once, with what to do.
std::size_t connection_limit(const Config& config, std::size_t workers, std::size_t descriptors);

}  // namespace sluice::server
