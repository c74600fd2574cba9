#include "gateway/server/subscription_api.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/paths.h"
#include "gateway/server/selectors.h"
#include "gateway/sse/event_id.h"

namespace sluice::server {
namespace {

/// The segments behind kSubscriptionsPath, decoded; none when one of them is broken.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  path.remove_prefix(kSubscriptionsPath.size());
  std::vector<std::string> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // The '/'.
    const std::size_t end = path.find('/');
    auto segment = http::percent_decode(path.substr(0, end));
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
    path.remove_prefix(end == path.npos ? path.size() : end);
  }
  return segments;
}

/// What a list is narrowed to; empty: not at all.
struct Filter {
  std::string match_type;
  std::string match;
  std::string subscriber;

  [[nodiscard]] bool takes(const std::string& its_subscriber, const ActiveSubscription& it) const {
    return (match_type.empty() || it.match_type == match_type) &&
           (match.empty() || it.match == match) &&
           (subscriber.empty() || its_subscriber == subscriber);
  }
};

std::optional<Filter> filter_of(const std::vector<std::string>& segments, bool is_v1) {
  const std::size_t first = is_v1 ? 1 : 0;  // 1.0 has the match type before the match.
  if (segments.size() > first + 2 || (is_v1 && segments.size() == 1)) return std::nullopt;
  Filter filter;
  if (is_v1 && !segments.empty()) filter.match_type = segments[0];
  if (segments.size() > first) filter.match = segments[first];
  if (segments.size() > first + 1) filter.subscriber = segments[first + 1];
  return filter;
}

}  // namespace

std::unique_ptr<http::Answer> SubscriptionApi::open(const http::Request& request,
                                                    http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) {
    return deny({.status = 400, .text = "the query: " + query.error().what, .error = {}}, request,
                exchange);
  }
  auto bearer = shared_.access.subscriber(request, *query, false);
  if (bearer && bearer->carrier == Carrier::none) {
    bearer = tl::unexpected(
        Denial{401, "a token is needed to see who is subscribed: authorization: Bearer TOKEN", {}});
  }
  if (!bearer) return deny(bearer.error(), request, exchange);
  const auto granted = to_selectors(bearer->grants.subscribe, shared_.hub_url);
  if (!hub::matches_any(granted, {request.path})) {
    return deny(
        {403, "the token has no \"subscribe\" grant for " + request.path, "insufficient_scope"},
        request, exchange);
  }
  const auto segments = segments_of(request.path);
  if (!segments) return deny({404, "there is no such subscription", {}}, request, exchange);
  return list(*segments, bearer->grants.is_v1, request, exchange);
}

std::unique_ptr<http::Answer> SubscriptionApi::list(const std::vector<std::string>& segments,
                                                    bool is_v1, const http::Request& request,
                                                    http::Exchange& exchange) {
  const auto filter = filter_of(segments, is_v1);
  // Before the list is read: what comes while it is being made is then told by events behind it.
  const std::string last = sse::make_id(shared_.journal.epoch(), shared_.journal.last());
  std::string items;
  std::string single;
  std::size_t count = 0;
  const bool is_single = filter && !filter->subscriber.empty();
  if (filter) {
    shared_.presence->for_each(
        is_v1, [&](const std::string& subscriber, const ActiveSubscription& subscription) {
          if (!filter->takes(subscriber, subscription)) return;
          if (is_single) {
            single = subscription_json(subscriber, subscription, true, true, is_v1 ? "" : last);
          } else {
            if (count > 0) items += ',';
            items += subscription_json(subscriber, subscription, true, false);
          }
          ++count;
        });
  }
  if (!filter || (is_single && count == 0)) {
    return deny({404, "there is no such subscription", {}}, request, exchange);
  }
  const std::string id = nlohmann::json(request.path).dump();
  const std::string body =
      is_single ? single
      : is_v1 ? fmt::format(R"({{"id":{},"type":"subscriptions","subscriptions":[{}]}})", id, items)
              : fmt::format(R"({{"@context":"{}","id":{},"type":"Subscriptions",)"
                            R"("lastEventID":"{}","subscriptions":[{}]}})",
                            kMercureContext, id, last, items);
  // Events of 0.x have no type.
  const std::string_view type = is_v1 ? "application/json" : "application/ld+json";
  http::Response head{
      200,
      {{"content-type", std::string(type)},
       {"cache-control", "private, no-cache"},
       {"etag", fmt::format("\"{}\"", last)},
       {"link", fmt::format(R"(<{}>; rel="mercure"; last-event-id="{}"{}; content-type="{}")",
                            kHubPath, last, is_v1 ? R"(; type="mercure")" : "", type)}}};
  shared_.cors.add_fields(request, head.headers);
  return http::reply(exchange, std::move(head), body, request.method == "HEAD");
}

std::unique_ptr<http::Answer> SubscriptionApi::deny(const Denial& denial,
                                                    const http::Request& request,
                                                    http::Exchange& exchange) {
  counters_.subscribe_rejected.add();
  http::Headers extra;
  shared_.access.add_challenge(request, denial, extra);
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, denial.status, denial.text, std::move(extra),
                       request.method == "HEAD");
}

}  // namespace sluice::server
