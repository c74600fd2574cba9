/// UpstreamContexts: the TLS of each upstream that is spoken to over TLS.
///
/// Thread  main, before start; what comes of it: any.
#pragma once

#include <memory>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/relay/options.h"
#include "tls/client_context.h"

namespace sluice::server {

/// One for each upstream, in their order; null: clear text.
using UpstreamContexts = std::vector<std::shared_ptr<const tls::ClientContext>>;

/// The error names the upstream, the file and what is wrong with it.
Result<UpstreamContexts> make_upstream_contexts(
    const std::vector<relay::UpstreamOptions>& upstreams);

}  // namespace sluice::server
