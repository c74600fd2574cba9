#include "gateway/server/site.h"

#include <string>
#include <utility>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/publish_names.h"

namespace sluice::server {
namespace {
constexpr std::string_view kAllEvents = "/events";
constexpr std::string_view kEvents = "/events/";
}  // namespace

Site::Site(Shared& shared, Subscribe subscribe, Publish publish)
    : shared_(shared),
      subscribe_(std::move(subscribe)),
      publish_(std::move(publish)),
      demo_(shared) {}

std::unique_ptr<http::Answer> Site::open(const http::Request& request, http::Exchange& exchange) {
  if (http::Cors::is_preflight(request)) {
    return http::reply(exchange, shared_.cors.preflight(request), {});
  }
  if (request.path == kHubPath) {
    if (request.method == "GET" || request.method == "HEAD") {
      return subscribe_.open_mercure(request, exchange);
    }
    if (request.method == "POST") return publish_.open_hub(request, exchange);
    return not_allowed(request, exchange);
  }
  if (request.path == kAllEvents) {
    return request.method == "POST" ? publish_.open_hub(request, exchange)
                                    : open_events({}, request, exchange);
  }
  if (request.path.starts_with(kEvents)) {
    return open_events(std::string_view(request.path).substr(kEvents.size()), request, exchange);
  }
  if (shared_.config.demo.page) {
    if (auto answer = demo_.open(request, exchange)) return answer;
  }
  return not_found(request, exchange);
}

std::unique_ptr<http::Answer> Site::open_events(std::string_view encoded,
                                                const http::Request& request,
                                                http::Exchange& exchange) {
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (!is_read && request.method != "POST") return not_allowed(request, exchange);
  auto topic = http::percent_decode(encoded);
  if (!topic || topic->empty()) {
    http::Headers extra;
    shared_.cors.add_fields(request, extra);
    return http::problem(
        exchange, 400, topic ? "name the topic: /events/TOPIC" : "the path: " + topic.error().what,
        std::move(extra), request.method == "HEAD");
  }
  return is_read ? subscribe_.open_topic(std::move(*topic), request, exchange)
                 : publish_.open_topic(std::move(*topic), request, exchange);
}

std::unique_ptr<http::Answer> Site::not_allowed(const http::Request& request,
                                                http::Exchange& exchange) {
  http::Headers extra{{"allow", "GET, HEAD, POST, OPTIONS"}};
  shared_.cors.add_fields(request, extra);
  if (request.method == "OPTIONS") {
    return http::reply(exchange, {204, std::move(extra)}, {});
  }
  return http::problem(exchange, 405, "GET subscribes and POST publishes here", std::move(extra));
}

std::unique_ptr<http::Answer> Site::not_found(const http::Request& request,
                                              http::Exchange& exchange) {
  http::Headers extra;
  shared_.cors.add_fields(request, extra);
  return http::problem(exchange, 404,
                       "nothing is here; subscribe and publish at /events/TOPIC or "
                       "/.well-known/mercure",
                       std::move(extra), request.method == "HEAD");
}

}  // namespace sluice::server
