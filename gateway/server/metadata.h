/// The hub's description for OAuth clients (RFC 9728; Mercure 1.0): where tokens come from, how
/// they are carried, what can be matched. That it is there tells a client that 1.0 is spoken.
///
/// Thread  any.
#pragma once

#include <string>

#include "gateway/http/message.h"
#include "gateway/server/shared.h"

namespace sluice::server {

/// JSON. The resource is the hub's public URL, or the one that `request` came to.
[[nodiscard]] std::string resource_metadata(const Shared& shared, const http::Request& request);

}  // namespace sluice::server
