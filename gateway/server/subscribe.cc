#include "gateway/server/subscribe.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/base/random.h"
#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

constexpr std::size_t kMaxQueryFields = 1000;
constexpr std::size_t kMaxLastEventId = 1_KiB;

/// The header wins; then the names that clients of the protocol's versions use.
std::string last_event_id(const http::Request& request, const http::Form& query) {
  if (const std::string* header = request.headers.find("last-event-id")) return *header;
  for (const char* name : {"lastEventID", "last_event_id", "Last-Event-ID"}) {
    if (const std::string* value = http::first(query, name)) return *value;
  }
  return {};
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != prefix[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view bearer_token(const http::Headers& headers) {
  const std::string* field = headers.find("authorization");
  if (field == nullptr || !starts_with_ignoring_case(*field, "bearer ")) return {};
  std::string_view token = *field;
  token.remove_prefix(std::string_view("bearer ").size());
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  return token;
}

Subscribe::Subscribe(const Shared& shared, hub::Hub& hub, EventStreams& streams,
                     EventStream::Setting setting)
    : shared_(shared), hub_(hub), streams_(streams), setting_(setting) {}

std::unique_ptr<http::Answer> Subscribe::open_mercure(const http::Request& request,
                                                      http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) return reject(400, "the query: " + query.error().what, request, exchange);
  Wish wish;
  for (const std::string_view topic : http::all(*query, "topic")) wish.topics.emplace_back(topic);
  if (wish.topics.empty()) {
    return reject(400, "name what to subscribe to: ?topic=TOPIC, as often as you like", request,
                  exchange);
  }
  wish.last_event_id = last_event_id(request, *query);
  return open(std::move(wish), request, exchange);
}

std::unique_ptr<http::Answer> Subscribe::open_topic(std::string topic, const http::Request& request,
                                                    http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, kMaxQueryFields);
  if (!query) return reject(400, "the query: " + query.error().what, request, exchange);
  Wish wish{.topics = {}, .last_event_id = last_event_id(request, *query)};
  wish.topics.push_back(std::move(topic));
  return open(std::move(wish), request, exchange);
}

std::unique_ptr<http::Answer> Subscribe::open(Wish wish, const http::Request& request,
                                              http::Exchange& exchange) {
  std::vector<std::string> grants;
  if (const std::string_view token = bearer_token(request.headers); !token.empty()) {
    const auto granted = shared_.subscribers.verify(token, shared_.clock.wall());
    if (!granted) return reject(401, granted.error().what, request, exchange);
    grants = auth::selector_texts(granted->subscribe);
  } else if (!shared_.config.access.anonymous) {
    return reject(401, "a token is needed to subscribe here: authorization: Bearer TOKEN", request,
                  exchange);
  }
  if (wish.topics.size() > shared_.config.hub.selectors) {
    return reject(400,
                  fmt::format("{} topics in one subscription; at most {} are allowed",
                              wish.topics.size(), shared_.config.hub.selectors),
                  request, exchange);
  }
  for (const std::string& topic : wish.topics) {
    const auto good = sse::check_text("a topic", topic, shared_.config.hub.selector_length);
    if (!good) return reject(400, good.error().what, request, exchange);
  }
  if (wish.last_event_id.size() > kMaxLastEventId) {
    return reject(400, "last-event-id is longer than 1024 bytes", request, exchange);
  }
  if (request.method == "HEAD") {
    http::Response head = event_stream_head();
    shared_.cors.add_fields(request, head.headers);
    exchange.respond(std::move(head), http::Kind::finite);
    return std::make_unique<http::TextAnswer>(exchange, std::string());
  }
  if (is_full(exchange.connection())) return park(request, exchange);

  auto stream = std::make_unique<EventStream>(exchange, setting_);
  auto subscription = hub_.subscribe(hub::Interest::of(std::move(wish.topics), std::move(grants)),
                                     hub_.resolve(wish.last_event_id), *stream);
  if (!subscription) {
    return subscription.error().code == Errc::limit
               ? park(request, exchange)
               : reject(400, subscription.error().what, request, exchange);
  }
  http::Response head = event_stream_head();
  shared_.cors.add_fields(request, head.headers);
  stream->start(std::move(*subscription));
  streams_.push_back(*stream);
  exchange.respond(std::move(head), http::Kind::event_stream);
  return stream;
}

std::unique_ptr<http::Answer> Subscribe::reject(int status, std::string text,
                                                const http::Request& request,
                                                http::Exchange& exchange) {
  setting_.counters.subscribe_rejected.add();
  http::Headers extra;
  if (status == 401) extra.add("www-authenticate", "Bearer");
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, status, std::move(text), std::move(extra),
                       request.method == "HEAD");
}

std::unique_ptr<http::Answer> Subscribe::park(const http::Request& request,
                                              http::Exchange& exchange) {
  setting_.counters.parked.add();
  http::Response head = event_stream_head();
  shared_.cors.add_fields(request, head.headers);
  const RetryOptions& retry = setting_.retry;
  return http::reply(
      exchange, std::move(head),
      std::string(sse::kHeartbeat) + sse::retry_line(jitter(retry.parked_min, retry.parked_max)));
}

bool Subscribe::is_full(const http::Connection& connection) const {
  const LimitOptions& limits = shared_.config.limits;
  return shared_.is_parking.load(std::memory_order_relaxed) ||
         connection.event_streams >= limits.streams_per_connection ||
         shared_.totals().streams >= limits.streams;
}

}  // namespace sluice::server
