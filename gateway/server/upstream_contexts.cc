#include "gateway/server/upstream_contexts.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/relay/upstream_url.h"

namespace sluice::server {
namespace {

using Protocols = tls::ClientContext::Protocols;

Protocols protocols_of(relay::Wire wire) {
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

Result<UpstreamContexts> make_upstream_contexts(
    const std::vector<relay::UpstreamOptions>& upstreams) {
  UpstreamContexts contexts;
  for (const relay::UpstreamOptions& upstream : upstreams) {
    const auto url = relay::parse_upstream_url(upstream.urls.front());
    if (!url) return tl::unexpected(url.error());
    if (!url->is_tls) {
      contexts.push_back(nullptr);
      continue;
    }
    auto context = tls::ClientContext::create({.ca_file = upstream.ca_file,
                                               .verify = upstream.verify,
                                               .protocols = protocols_of(upstream.wire),
                                               .certificate_file = upstream.certificate_file,
                                               .key_file = upstream.key_file});
    if (!context) {
      return fail(context.error().code,
                  fmt::format("upstream {}: {}", upstream.name, context.error().what));
    }
    contexts.push_back(std::move(*context));
  }
  return contexts;
}

}  // namespace sluice::server
