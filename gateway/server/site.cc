#include "gateway/server/site.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/logged_answer.h"
#include "gateway/server/metadata.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {
bool is_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}
bool is_read(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}
}  // namespace

Site::Site(Shared& shared, const net::Loop& loop, Counters& counters, Subscribe subscribe,
           Publish publish, SubscriptionApi subscriptions, std::unique_ptr<RelaySite> relay)
    : shared_(shared),
      loop_(loop),
      counters_(counters),
      subscribe_(std::move(subscribe)),
      publish_(std::move(publish)),
      subscriptions_(std::move(subscriptions)),
      demo_(shared),
      relay_(std::move(relay)) {}

std::unique_ptr<http::Answer> Site::open(const http::Request& request, http::Exchange& exchange) {
  if (shared_.access_log == nullptr) return open_any(request, exchange);
  const LoggedAnswer::Setting setting{
      .log = *shared_.access_log, .loop = loop_, .trusted = shared_.proxies};
  auto logged = std::make_unique<LoggedAnswer>(setting, request, exchange);
  logged->hold(open_any(request, logged->exchange()));
  return logged;
}

std::unique_ptr<http::Answer> Site::open_any(const http::Request& request,
                                             http::Exchange& exchange) {
  if (auto answer = refuse_costly(request, exchange)) return answer;
  if (relay_ != nullptr) {
    if (auto answer = relay_->open(request, exchange, hub_path(request.path))) return answer;
  }
  if (shared_.config.has_hub()) {
    if (auto answer = open_own(request, exchange)) return answer;
  }
  return not_found(request, exchange);
}

/// What has a body holds memory for as long as its sender likes. Publishers have tokens, and what
/// they bring replaces what is older.
std::unique_ptr<http::Answer> Site::refuse_costly(const http::Request& request,
                                                  http::Exchange& exchange) {
  if (!shared_.is_short_of_memory(MemoryLevel::full)) return nullptr;
  if (is_read(request) || request.method == "OPTIONS") return nullptr;
  const bool is_of_hub = shared_.config.has_hub() && hub_path(request.path) > 0;
  if (is_of_hub && request.method == "POST") return nullptr;
  counters_.refused_memory.add();
  http::Headers extra{{"retry-after", "5"}};
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, 503, "this gateway is short of memory; try again in 5 s",
                       std::move(extra), false);
}

std::size_t Site::hub_path(std::string_view path) const {
  if (!shared_.config.has_hub()) return 0;
  if (path == kHubPath || path == kMetadataPath || path == kAllEventsPath) return path.size();
  if (path.starts_with(kEventsPath)) return kEventsPath.size();
  if (shared_.presence && is_below(path, kSubscriptionsPath)) return kSubscriptionsPath.size();
  return shared_.config.demo.page && DemoSite::has(path) ? path.size() : 0;
}

std::unique_ptr<http::Answer> Site::open_own(const http::Request& request,
                                             http::Exchange& exchange) {
  if (http::Cors::is_preflight(request)) {
    return http::reply(exchange, shared_.cors.preflight(request), {});
  }
  if (request.path == kHubPath) return open_hub(request, exchange);
  if (request.path == kAllEventsPath) {
    return request.method == "POST" ? publish_.open_hub(request, exchange)
                                    : open_events({}, request, exchange);
  }
  if (request.path.starts_with(kEventsPath)) {
    const std::string_view topic = std::string_view(request.path).substr(kEventsPath.size());
    return open_events(topic, request, exchange);
  }
  if (shared_.presence && is_below(request.path, kSubscriptionsPath)) {
    return is_read(request) ? subscriptions_.open(request, exchange)
                            : not_allowed("GET, HEAD, OPTIONS", request, exchange);
  }
  if (request.path == kMetadataPath && shared_.config.access.protocol != Mercure::v0) {
    return is_read(request) ? open_metadata(request, exchange)
                            : not_allowed("GET, HEAD, OPTIONS", request, exchange);
  }
  return shared_.config.demo.page ? demo_.open(request, exchange) : nullptr;
}

std::unique_ptr<http::Answer> Site::open_hub(const http::Request& request,
                                             http::Exchange& exchange) {
  if (is_read(request)) return subscribe_.open_mercure(request, exchange);
  if (request.method == "POST") return publish_.open_hub(request, exchange);
  if (request.method == "QUERY") return subscribe_.open_query(request, exchange);
  return not_allowed("GET, HEAD, POST, QUERY, OPTIONS", request, exchange);
}

std::unique_ptr<http::Answer> Site::open_metadata(const http::Request& request,
                                                  http::Exchange& exchange) {
  http::Response head{200, {{"content-type", "application/json"}, {"cache-control", "no-cache"}}};
  shared_.cors.add_fields(request, head.headers);
  return http::reply(exchange, std::move(head), resource_metadata(shared_, request),
                     request.method == "HEAD");
}

std::unique_ptr<http::Answer> Site::open_events(std::string_view encoded,
                                                const http::Request& request,
                                                http::Exchange& exchange) {
  if (!is_read(request) && request.method != "POST") {
    return not_allowed("GET, HEAD, POST, OPTIONS", request, exchange);
  }
  auto topic = http::percent_decode(encoded);
  if (!topic || topic->empty()) {
    http::Headers extra;
    shared_.cors.add_fields(request, extra);
    return http::problem(
        exchange, 400, topic ? "name the topic: /events/TOPIC" : "the path: " + topic.error().what,
        std::move(extra), request.method == "HEAD");
  }
  return is_read(request) ? subscribe_.open_topic(std::move(*topic), request, exchange)
                          : publish_.open_topic(std::move(*topic), request, exchange);
}

std::unique_ptr<http::Answer> Site::not_allowed(std::string_view allowed,
                                                const http::Request& request,
                                                http::Exchange& exchange) {
  http::Headers extra{{"allow", std::string(allowed)}};
  shared_.cors.add_fields(request, extra);
  if (request.method == "OPTIONS") {
    return http::reply(exchange, {204, std::move(extra)}, {});
  }
  return http::problem(exchange, 405, fmt::format("of use here are only {}", allowed),
                       std::move(extra));
}

std::unique_ptr<http::Answer> Site::not_found(const http::Request& request,
                                              http::Exchange& exchange) {
  const bool is_head = request.method == "HEAD";
  if (relay_ != nullptr && !relay_->knows_host(request)) {
    return http::problem(exchange, 421, "this host is not served here", {}, is_head);
  }
  const std::string_view nobody =
      relay_ != nullptr ? "no route of this gateway takes this request" : "nothing is here";
  if (!shared_.config.has_hub()) {
    return http::problem(exchange, 404, std::string(nobody), {}, is_head);
  }
  http::Headers extra;
  shared_.cors.add_fields(request, extra);
  return http::problem(
      exchange, 404,
      fmt::format("{}; subscribe and publish at /events/TOPIC or {}", nobody, kHubPath),
      std::move(extra), is_head);
}

}  // namespace sluice::server
