#include "gateway/server/subscription_api.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/http/answers.h"
#include "gateway/http/late_answer.h"
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

/// What is asked for.
struct Listing {
  std::string path;
  bool is_v1;
  Filter filter;
  std::string last;     ///< The cursor behind which events go on.
  http::Headers extra;  ///< Of the answer.

  [[nodiscard]] bool is_single() const { return !filter.subscriber.empty(); }
};

struct Found {
  std::string items;
  std::string single;
  std::size_t count = 0;
};

Found find(const Listing& listing, const Presence::Streams& streams) {
  Found found;
  for (const auto& [subscriber, stream] : streams) {
    for (const ActiveSubscription& each : *stream.subscriptions) {
      if (each.is_v1 != listing.is_v1 || !listing.filter.takes(subscriber, each)) continue;
      if (listing.is_single()) {
        found.single = subscription_json(subscriber, each, true, true,
                                         listing.is_v1 ? std::string() : listing.last);
      } else {
        if (found.count > 0) found.items += ',';
        found.items += subscription_json(subscriber, each, true, false);
      }
      ++found.count;
    }
  }
  return found;
}

std::string body_of(const Listing& listing, const Found& found) {
  if (listing.is_single()) return found.single;
  const std::string id = nlohmann::json(listing.path).dump();
  if (listing.is_v1) {
    return fmt::format(R"({{"id":{},"type":"subscriptions","subscriptions":[{}]}})", id,
                       found.items);
  }
  return fmt::format(R"({{"@context":"{}","id":{},"type":"Subscriptions",)"
                     R"("lastEventID":"{}","subscriptions":[{}]}})",
                     kMercureContext, id, listing.last, found.items);
}

void give_problem(http::LateAnswer& answer, int status, const std::string& text,
                  http::Headers extra) {
  extra.add("content-type", "text/plain; charset=utf-8");
  extra.add("cache-control", "no-store");
  answer.give({status, std::move(extra)}, text + "\n");
}

void give(http::LateAnswer& answer, const Listing& listing,
          const Result<Presence::Streams>& streams, Counters& counters) {
  http::Headers extra = listing.extra;
  if (!streams) {
    counters.subscribe_rejected.add();
    extra.add("retry-after", "1");
    return give_problem(answer, 503,
                        "who is subscribed elsewhere cannot be said: " + streams.error().what,
                        std::move(extra));
  }
  const Found found = find(listing, *streams);
  if (listing.is_single() && found.count == 0) {
    counters.subscribe_rejected.add();
    return give_problem(answer, 404, "there is no such subscription", std::move(extra));
  }
  // Events of 0.x have no type.
  const std::string_view type = listing.is_v1 ? "application/json" : "application/ld+json";
  extra.add("content-type", std::string(type));
  extra.add("cache-control", "private, no-cache");
  extra.add("etag", fmt::format("\"{}\"", listing.last));
  extra.add("link",
            fmt::format(R"(<{}>; rel="mercure"; last-event-id="{}"{}; content-type="{}")", kHubPath,
                        listing.last, listing.is_v1 ? R"(; type="mercure")" : "", type));
  answer.give({200, std::move(extra)}, body_of(listing, found));
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
  if (!filter) return deny({404, "there is no such subscription", {}}, request, exchange);
  Listing listing{.path = request.path,
                  .is_v1 = is_v1,
                  .filter = *filter,
                  // Before the list is read: what comes while it is being made is then told by
                  // events behind it.
                  .last = sse::make_id(shared_.journal.epoch(), shared_.journal.last()),
                  .extra = {}};
  shared_.cors.add_fields(request, listing.extra);
  auto answer = std::make_unique<http::LateAnswer>(exchange, request.method == "HEAD");
  shared_.presence->list([post = post_, &counters = counters_, handle = answer->handle(),
                          listing = std::make_shared<const Listing>(std::move(listing))](
                             Result<Presence::Streams> streams) {
    const auto found = std::make_shared<const Result<Presence::Streams>>(std::move(streams));
    post([handle, listing, found, &counters] {
      if (const auto waiting = handle.lock()) give(**waiting, *listing, *found, counters);
    });
  });
  return answer;
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
