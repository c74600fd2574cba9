#include "gateway/server/upstream_tls.h"

#include <utility>

namespace sluice::server {
namespace {

tls::ClientContext::Protocols protocols_of(relay::Wire wire) {
  using Protocols = tls::ClientContext::Protocols;
  switch (wire) {
    case relay::Wire::h1:
      return Protocols::http1;
    case relay::Wire::h2:
      return Protocols::http2;
    case relay::Wire::any:
      break;
  }
  return Protocols::http2_or_http1;
}

}  // namespace

Result<std::shared_ptr<const tls::ClientContext>> client_context_of(
    const relay::UpstreamOptions& upstream) {
  const bool is_tls = !upstream.urls.empty() && upstream.urls.front().starts_with("https:");
  if (!is_tls) return nullptr;
  return tls::ClientContext::create({.ca_file = upstream.ca_file,
                                     .verify = upstream.verify,
                                     .protocols = protocols_of(upstream.wire),
                                     .certificate_file = upstream.certificate_file,
                                     .key_file = upstream.key_file});
}

Result<ClientContexts> client_contexts_of(const std::vector<relay::UpstreamOptions>& upstreams) {
  ClientContexts contexts;
  for (const relay::UpstreamOptions& upstream : upstreams) {
    auto context = client_context_of(upstream);
    if (!context) return fail(context.error().code, upstream.name + ": " + context.error().what);
    contexts.push_back(std::move(*context));
  }
  return contexts;
}

}  // namespace sluice::server
