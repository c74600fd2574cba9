#include "gateway/server/admin.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"

namespace sluice::server {
namespace {

std::unique_ptr<http::Answer> text(const http::Request& request, http::Exchange& exchange,
                                   int status, std::string_view type, std::string body) {
  http::Response head{status, {{"content-type", std::string(type)}, {"cache-control", "no-store"}}};
  return http::reply(exchange, std::move(head), std::move(body), request.method == "HEAD");
}

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

}  // namespace

Admin::Admin(net::Loop& loop, const Shared& shared, const Workers& workers)
    : loop_(loop),
      shared_(shared),
      workers_(workers),
      connections_(loop, {}, [this](Transport& transport, const net::Hello& hello) {
        return std::make_unique<h1::Session>(
            transport, *this,
            http::Connection{.id = hello.id, .peer = hello.peer, .protocol = "http/1.1"},
            shared_.config.h1, counters_, shared_.clock);
      }) {}

void Admin::listen(UniqueFd socket) {
  listeners_.push_back(std::make_unique<net::Listener>(
      loop_, std::move(socket), net::Listener::Options{},
      [this](UniqueFd accepted, std::string peer) {
        connections_.add(std::move(accepted), std::move(peer), nullptr, 0);
      }));
}

std::unique_ptr<http::Answer> Admin::open_revoke(const http::Request& request,
                                                 http::Exchange& exchange) {
  if (request.method != "POST") {
    return http::problem(exchange, 405, "POST /revoke?subject=SUBJECT", {{"allow", "POST"}});
  }
  // No page of the web, open in an operator's browser, shall do this.
  if (request.headers.has("origin")) {
    return http::problem(exchange, 403, "not from a browser");
  }
  const auto query = http::parse_form(request.query, 10);
  const std::string* subject = query ? http::first(*query, "subject") : nullptr;
  if (subject == nullptr || subject->empty()) {
    return http::problem(exchange, 400,
                         "name whose tokens are to count no more: POST /revoke?subject=SUBJECT");
  }
  const std::size_t streams = shared_.subjects.streams_of(*subject);
  shared_.revoke(*subject);
  return text(request, exchange, 200, kPlain, fmt::format("{} streams are being ended\n", streams));
}

std::unique_ptr<http::Answer> Admin::open(const http::Request& request, http::Exchange& exchange) {
  if (request.path == "/revoke") return open_revoke(request, exchange);
  const bool is_known = request.path == "/" || request.path == "/livez" ||
                        request.path == "/readyz" || request.path == "/metrics" ||
                        request.path == "/status";
  if (!is_known) {
    return http::problem(exchange, 404, "here are /livez, /readyz, /metrics, /status and /revoke");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return http::problem(exchange, 405, "only GET is of use here", {{"allow", "GET, HEAD"}});
  }
  if (request.path == "/livez") return text(request, exchange, 200, kPlain, "alive\n");
  if (request.path == "/readyz") {
    const bool is_draining = shared_.is_draining.load(std::memory_order_relaxed);
    return is_draining ? text(request, exchange, 503, kPlain, "draining\n")
                       : text(request, exchange, 200, kPlain, "ready\n");
  }
  if (request.path == "/metrics") {
    return text(request, exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                metrics_text(workers_, shared_));
  }
  if (request.path == "/status") {
    return text(request, exchange, 200, "application/json", metrics_json(workers_, shared_));
  }
  return text(
      request, exchange, 200, kPlain,
      "Sluice, admin listener\n/livez /readyz /metrics /status\nPOST /revoke?subject=SUBJECT\n");
}

}  // namespace sluice::server
