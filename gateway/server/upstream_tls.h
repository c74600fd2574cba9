/// What an upstream's TLS needs, made of its options.
///
/// Thread  main, before start. Errors  name the file and what is wrong with it.
#pragma once

#include <memory>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/relay/options.h"
#include "tls/client_context.h"

namespace sluice::server {

using ClientContexts = std::vector<std::shared_ptr<const tls::ClientContext>>;

/// nullptr: its URLs say http. They were checked.
Result<std::shared_ptr<const tls::ClientContext>> client_context_of(
    const relay::UpstreamOptions& upstream);
/// One for each.
Result<ClientContexts> client_contexts_of(const std::vector<relay::UpstreamOptions>& upstreams);

}  // namespace sluice::server
