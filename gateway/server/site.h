/// Site: which path does what, for one worker.
///
///   /.well-known/mercure   subscribe (GET), publish (POST: a form, a batch, a stream)
///   /events                publish (POST), the same
///   /events/{topic}        subscribe (GET), publish (POST: the body is the data, or a stream)
///   /                      the demo page, where it is turned on
///
/// Owner   its worker. Thread  that worker only.
#pragma once

#include <memory>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/server/demo_site.h"
#include "gateway/server/publish.h"
#include "gateway/server/subscribe.h"

namespace sluice::server {

class Site final : public http::Service {
 public:
  Site(Shared& shared, Subscribe subscribe, Publish publish);

  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override;

 private:
  std::unique_ptr<http::Answer> open_events(std::string_view encoded, const http::Request& request,
                                            http::Exchange& exchange);
  std::unique_ptr<http::Answer> not_allowed(const http::Request& request, http::Exchange& exchange);
  std::unique_ptr<http::Answer> not_found(const http::Request& request, http::Exchange& exchange);

  Shared& shared_;
  Subscribe subscribe_;
  Publish publish_;
  const DemoSite demo_;
};

}  // namespace sluice::server
