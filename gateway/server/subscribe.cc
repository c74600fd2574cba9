#include "gateway/server/subscribe.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/random.h"
#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/selectors.h"
#include "gateway/sse/encoder.h"
#include "gateway/sse/event_id.h"

namespace sluice::server {

Subscribe::Subscribe(Shared& shared, hub::Hub& hub, EventStreams& streams,
                     EventStream::Setting setting)
    : shared_(shared), hub_(hub), streams_(streams), setting_(setting) {}

std::unique_ptr<http::Answer> Subscribe::open_mercure(const http::Request& request,
                                                      http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) return reject("the query: " + query.error().what, request, exchange);
  return open_fields(*query, request, exchange);
}

std::unique_ptr<http::Answer> Subscribe::open_fields(const http::Form& fields,
                                                     const http::Request& request,
                                                     http::Exchange& exchange) {
  auto wish = read_wish(request, fields, shared_.config.access.protocol);
  if (!wish) return reject(wish.error().what, request, exchange);
  return open(std::move(*wish), fields, request, exchange);
}

std::unique_ptr<http::Answer> Subscribe::open_topic(std::string topic, const http::Request& request,
                                                    http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) return reject("the query: " + query.error().what, request, exchange);
  auto wish = read_topic_wish(std::move(topic), request, *query, shared_.config.access.protocol);
  if (!wish) return reject(wish.error().what, request, exchange);
  return open(std::move(*wish), *query, request, exchange);
}

std::unique_ptr<http::Answer> Subscribe::open(Wish wish, const http::Form& fields,
                                              const http::Request& request,
                                              http::Exchange& exchange) {
  auto bearer = shared_.access.subscriber(request, fields, wish.is_reconnect);
  if (!bearer) return deny(bearer.error(), request, exchange);
  if (wish.matches.size() > shared_.config.hub.selectors) {
    return reject(fmt::format("{} topics in one subscription; at most {} are allowed",
                              wish.matches.size(), shared_.config.hub.selectors),
                  request, exchange);
  }
  if (http::Account* const account = exchange.account()) {
    account->set_subject(bearer->grants.subject);
    for (const Wish::Match& match : wish.matches) account->add_topic(match.text);
  }
  if (wish.max_rate > shared_.config.hub.max_rate) wish.max_rate = shared_.config.hub.max_rate;
  http::Response head = head_for(request, *bearer);
  return open_stream(wish, *bearer, std::move(head), request, exchange);
}

/// What is known of a stream before it is known where it begins.
struct Subscribe::Opening {
  hub::Interest interest;
  Wish wish;
  http::Response head;
};

std::unique_ptr<http::Answer> Subscribe::open_stream(const Wish& wish, const Bearer& bearer,
                                                     http::Response head,
                                                     const http::Request& request,
                                                     http::Exchange& exchange) {
  auto topics = to_selectors(wish.matches, shared_.config.hub.selector_length, shared_.hub_url);
  if (!topics) return reject(topics.error().what, request, exchange);
  if (request.method == "HEAD") {
    exchange.respond(std::move(head), http::Kind::finite);
    return std::make_unique<http::TextAnswer>(exchange, std::string());
  }
  Counters& counters = setting_.counters;
  if (Counter* why = obstacle(exchange.connection())) return park(request, exchange, *why);
  const std::string client = shared_.client_of(request, exchange.connection());
  auto place = shared_.addresses.open_stream(client);
  if (!place) return park(request, exchange, counters.refused_address_streams);
  auto lease = shared_.subjects.open_stream(bearer.grants.subject);
  if (!lease) return park(request, exchange, counters.refused_subject_streams);

  Opening opening{.interest = hub::Interest::of_selectors(
                      std::move(*topics), to_selectors(bearer.grants.subscribe, shared_.hub_url)),
                  .wish = wish,
                  .head = std::move(head)};
  opening.interest.max_rate = rate_of(wish);
  if (!hub_.has_room(opening.interest)) {
    return park(request, exchange, counters.refused_interests);
  }

  auto stream = make_in<EventStream>(setting_.memory, exchange, setting_);
  stream->hold(std::move(*place));
  Tenure tenure{.subject = std::move(*lease),
                .presence = nullptr,
                .ends = shared_.end_of_stream(bearer.ends),
                .client = client == exchange.connection().peer ? std::string() : client};
  tenure.ends_by_age = tenure.ends != bearer.ends.value_or(TimePoint::max());
  if (shared_.presence) {
    tenure.presence =
        shared_.presence->enter(present(wish, bearer.grants), bearer.carrier == Carrier::none);
  }
  const bool does_end = tenure.ends != TimePoint::max();
  if (tenure.presence || bearer.carrier != Carrier::none || does_end || !tenure.client.empty()) {
    stream->hold(std::move(tenure));
  }
  streams_.push_back(*stream);
  // The place where it begins may have to be asked of the journal; the client may go meanwhile.
  hub_.resolve(wish.cursor.value_or(std::string()),
               [this, &exchange, handle = stream->handle(),
                opening = std::make_shared<Opening>(std::move(opening))](hub::Start start) {
                 if (const auto alive = handle.lock()) {
                   begin(**alive, exchange, std::move(*opening), std::move(start));
                 }
               });
  return stream;
}

void Subscribe::begin(EventStream& stream, http::Exchange& exchange, Opening opening,
                      hub::Start start) {
  if (opening.wish.cursor) {
    const std::string cursor = cursor_of(opening.wish, start);
    opening.head.headers.add("mercure-last-event-id", cursor);
    if (!opening.wish.is_v1) opening.head.headers.add("last-event-id", cursor);
  }
  const auto park = [&](Counter& why) {
    why.add();
    setting_.counters.parked.add();
    stream.end(parked_retry(), http::Ending::parked);
  };
  if (start.is_unsure) {
    park(setting_.counters.refused_history);
  } else if (shared_.is_short_of_memory(MemoryLevel::no_replay) && hub_.is_far_behind(start)) {
    park(setting_.counters.refused_replay);
  } else if (auto subscription =
                 hub_.subscribe(std::move(opening.interest), std::move(start), stream)) {
    stream.start(std::move(*subscription));
  } else {
    park(setting_.counters.refused_interests);
  }
  exchange.respond(std::move(opening.head), http::Kind::event_stream);
}

/// The id that stands before the first event that the stream will send (Mercure,
/// "Reconciliation").
std::string Subscribe::cursor_of(const Wish& wish, const hub::Start& start) const {
  if (start.is_found && !wish.cursor->empty()) return *wish.cursor;
  const bool is_from_now = start.after == hub_.window().last() && start.after > hub_.oldest();
  return is_from_now ? sse::make_id(hub_.epoch(), start.after) : std::string("earliest");
}

/// The lowest of what it asks for and of what the rules say of any of its selectors.
std::size_t Subscribe::rate_of(const Wish& wish) const {
  std::size_t rate = wish.max_rate;
  for (const Wish::Match& match : wish.matches) {
    const hub::TopicRule* rule = hub_.rules().find(match.text);
    if (rule == nullptr || rule->max_rate == 0) continue;
    rate = rate == 0 ? rule->max_rate : std::min(rate, rule->max_rate);
  }
  return rate;
}

std::vector<ActiveSubscription> Subscribe::present(const Wish& wish,
                                                   const auth::Grants& grants) const {
  const auto shared = [](const std::string& payload) {
    return payload.empty() ? nullptr : std::make_shared<const std::string>(payload);
  };
  struct Allowed {
    const std::string& text;
    std::optional<hub::Selector> selector;
    std::shared_ptr<const std::string> payload;
  };
  std::vector<Allowed> allowed;
  if (wish.is_v1) {
    for (const auth::Grant& grant : grants.subscribe) {
      allowed.push_back({grant.match, to_selector(grant, shared_.hub_url), shared(grant.payload)});
    }
  }
  const auto payload = shared(grants.payload);
  std::vector<ActiveSubscription> subscriptions;
  for (const Wish::Match& match : wish.matches) {
    ActiveSubscription active{.is_v1 = wish.is_v1, .match = match.text, .payload = payload};
    if (wish.is_v1) {
      active.match_type = match.type == hub::SelectorType::urlpattern ? "urlpattern" : "exact";
      const hub::Topic topic(match.text);
      const auto fits = std::find_if(allowed.begin(), allowed.end(), [&](const Allowed& grant) {
        return grant.text == match.text || (grant.selector && grant.selector->matches(topic));
      });
      if (fits != allowed.end()) active.payload = fits->payload;
    }
    subscriptions.push_back(std::move(active));
  }
  return subscriptions;
}

http::Response Subscribe::head_for(const http::Request& request, const Bearer& bearer) const {
  http::Response head = event_stream_head(bearer.carrier != Carrier::none);
  shared_.cors.add_fields(request, head.headers);
  if (bearer.set_cookie) head.headers.add("set-cookie", *bearer.set_cookie);
  return head;
}

std::unique_ptr<http::Answer> Subscribe::deny(const Denial& denial, const http::Request& request,
                                              http::Exchange& exchange) {
  if (denial.park) return park(request, exchange, setting_.counters.refused_logins);
  setting_.counters.subscribe_rejected.add();
  http::Headers extra;
  shared_.access.add_challenge(request, denial, extra);
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, denial.status, denial.text, std::move(extra),
                       request.method == "HEAD");
}

std::unique_ptr<http::Answer> Subscribe::reject(std::string text, const http::Request& request,
                                                http::Exchange& exchange) {
  return deny({.status = 400, .text = std::move(text), .error = "invalid_request"}, request,
              exchange);
}

Millis Subscribe::parked_retry() const {
  return jitter(setting_.retry.parked_min, setting_.retry.parked_max);
}

std::unique_ptr<http::Answer> Subscribe::park(const http::Request& request,
                                              http::Exchange& exchange, Counter& why) {
  why.add();
  setting_.counters.parked.add();
  http::tell_ending(exchange, http::Ending::parked);
  http::Response head = event_stream_head(true);
  shared_.cors.add_fields(request, head.headers);
  return http::reply(exchange, std::move(head),
                     std::string(sse::kHeartbeat) + sse::retry_line(parked_retry()),
                     request.method == "HEAD");
}

Counter* Subscribe::obstacle(const http::Connection& connection) const {
  return obstacle_to_stream(shared_, connection, setting_.counters);
}

}  // namespace sluice::server
