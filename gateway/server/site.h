/// Site: which path does what, for one worker.
///
///   /.well-known/mercure   subscribe (GET, QUERY), publish (POST: a form, a batch, a stream)
///   …/subscriptions        who is subscribed, where that is turned on
///   …/oauth-protected-resource/.well-known/mercure   what an OAuth client wants to know
///   /events                publish (POST), the same
///   /events/{topic}        subscribe (GET), publish (POST: the body is the data, or a stream)
///   /                      the demo page, where it is turned on
///   all else               what the [[route]] tables say; some of them go before these paths
///
/// Owner   its worker. Thread  that worker only.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/server/demo_site.h"
#include "gateway/server/publish.h"
#include "gateway/server/relay_site.h"
#include "gateway/server/subscribe.h"
#include "gateway/server/subscription_api.h"

namespace sluice::server {

class Site final : public http::Service {
 public:
  /// `relay` null: there are no routes.
  Site(Shared& shared, const net::Loop& loop, Counters& counters, Subscribe subscribe,
       Publish publish, SubscriptionApi subscriptions, std::unique_ptr<RelaySite> relay);

  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override;

 private:
  /// An answer while memory has run out, to what would hold more of it.
  std::unique_ptr<http::Answer> refuse_costly(const http::Request& request,
                                              http::Exchange& exchange);
  /// How much of the path is fixed by the hub's own path that takes it; 0: none does.
  [[nodiscard]] std::size_t hub_path(std::string_view path) const;
  /// Null: it is none of the hub's.
  std::unique_ptr<http::Answer> open_own(const http::Request& request, http::Exchange& exchange);
  std::unique_ptr<http::Answer> open_hub(const http::Request& request, http::Exchange& exchange);
  std::unique_ptr<http::Answer> open_metadata(const http::Request& request,
                                              http::Exchange& exchange);
  std::unique_ptr<http::Answer> open_events(std::string_view encoded, const http::Request& request,
                                            http::Exchange& exchange);
  /// 405 with `allow`; to OPTIONS, which is always allowed, 204.
  std::unique_ptr<http::Answer> not_allowed(std::string_view allowed, const http::Request& request,
                                            http::Exchange& exchange);
  std::unique_ptr<http::Answer> not_found(const http::Request& request, http::Exchange& exchange);

  std::unique_ptr<http::Answer> open_any(const http::Request& request, http::Exchange& exchange);

  Shared& shared_;
  const net::Loop& loop_;
  Counters& counters_;
  Subscribe subscribe_;
  Publish publish_;
  SubscriptionApi subscriptions_;
  const DemoSite demo_;
  const std::unique_ptr<RelaySite> relay_;
};

}  // namespace sluice::server
