/// SubscriptionApi: lists who is subscribed to what (Mercure, "Subscription API").
///
///   0.x  GET PATH/subscriptions[/{topic}[/{subscriber}]]                JSON-LD
///   1.0  GET PATH/subscriptions[/{match_type}/{match}[/{subscriber}]]   JSON
///
/// Which form is meant is told by the token: one with `authorization_details` is of 1.0. Where
/// instances share a journal the list is of all of them, and asked of the engine.
///
/// Owner   its worker's Site. Thread  that worker only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/server/counters.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class SubscriptionApi {
 public:
  /// Runs a task on this worker's thread, now or soon; called from any thread.
  using Post = std::function<void(std::function<void()>)>;

  SubscriptionApi(Shared& shared, Counters& counters, Post post)
      : shared_(shared), counters_(counters), post_(std::move(post)) {}

  /// `request.path` is kSubscriptionsPath or below it.
  std::unique_ptr<http::Answer> open(const http::Request& request, http::Exchange& exchange);

 private:
  std::unique_ptr<http::Answer> list(const std::vector<std::string>& segments, bool is_v1,
                                     const http::Request& request, http::Exchange& exchange);
  std::unique_ptr<http::Answer> deny(const Denial& denial, const http::Request& request,
                                     http::Exchange& exchange);

  Shared& shared_;
  Counters& counters_;
  const Post post_;
};

}  // namespace sluice::server
