#include "gateway/server/admin.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/server/dashboard.h"
#include "gateway/server/snapshot.h"

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
      live_(loop, {.viewers = shared.config.admin.viewers},
            [this, birth = Birth{loop.now(), shared.clock.wall()}] {
              return snapshot_json(workers_, shared_, birth);
            }),
      lists_(loop, workers),
      connections_(loop, {}, [this](Transport& transport, const net::Hello& hello) {
        return std::make_unique<h1::Session>(
            transport, *this,
            http::Connection{.id = hello.id, .peer = hello.peer, .protocol = "http/1.1"},
            shared_.config.h1, counters_, shared_.clock);
      }) {}

void Admin::listen(UniqueFd socket) {
  live_.start();
  listeners_.push_back(std::make_unique<net::Listener>(
      loop_, std::move(socket), net::Listener::Options{},
      [this](UniqueFd accepted, std::string peer) {
        connections_.add(std::move(accepted), std::move(peer), nullptr, 0);
      }));
}

const Admin::Endpoint Admin::kEndpoints[] = {
    {"/", false, "", &Admin::open_index},
    {"/livez", false, "/livez", &Admin::open_livez},
    {"/readyz", false, "/readyz", &Admin::open_readyz},
    {"/metrics", false, "/metrics", &Admin::open_metrics},
    {"/status", false, "/status", &Admin::open_status},
    {"/live", false, "/live", &Admin::open_live},
    {"/drain", true, "/drain", &Admin::open_drain},
    {"/streams", false, "/streams?sort=lag|queued|age|bytes&limit=N", &Admin::open_streams},
    {"/connections", false, "/connections?sort=lag|queued|age|bytes&limit=N",
     &Admin::open_connections},
    {"/streams/", true, "/streams/ID/end", &Admin::open_stream},
    {"/connections/", true, "/connections/ID/close", &Admin::open_connection},
    {"/revoke", true, "/revoke?subject=SUBJECT", &Admin::open_revoke},
    {"/reload", true, "/reload", &Admin::open_reload},
};

const Admin::Endpoint* Admin::find(std::string_view path) {
  const auto* const found =
      std::find_if(std::begin(kEndpoints), std::end(kEndpoints), [path](const Endpoint& endpoint) {
        const bool is_folder = endpoint.path.size() > 1 && endpoint.path.back() == '/';
        return is_folder ? path.starts_with(endpoint.path) : path == endpoint.path;
      });
  return found == std::end(kEndpoints) ? nullptr : found;
}

std::unique_ptr<http::Answer> Admin::open(const http::Request& request, http::Exchange& exchange) {
  const Endpoint* const endpoint = find(request.path);
  if (endpoint == nullptr) {
    return http::problem(exchange, 404, "nothing is here; GET / tells what there is");
  }
  const std::string_view method = request.method;
  if (!endpoint->is_order && method != "GET" && method != "HEAD") {
    return http::problem(exchange, 405, "only GET is of use here", {{"allow", "GET, HEAD"}});
  }
  if (endpoint->is_order && method != "POST") {
    return http::problem(exchange, 405, fmt::format("POST {}", endpoint->usage),
                         {{"allow", "POST"}});
  }
  // No page of the web, open in an operator's browser, shall do this.
  if (endpoint->is_order && request.headers.has("origin")) {
    return http::problem(exchange, 403, "not from a browser");
  }
  return (this->*endpoint->open)(request, exchange);
}

Admin::AnswerPtr Admin::open_index(const http::Request& request, http::Exchange& exchange) {
  std::string page = "Sluice, admin listener\n";
  for (const Endpoint& endpoint : kEndpoints) {
    if (endpoint.usage.empty()) continue;
    page += fmt::format("{} {}\n", endpoint.is_order ? "POST" : "GET", endpoint.usage);
  }
  return open_dashboard(request, exchange, std::move(page));
}

Admin::AnswerPtr Admin::open_livez(const http::Request& request, http::Exchange& exchange) {
  return text(request, exchange, 200, kPlain, "alive\n");
}

Admin::AnswerPtr Admin::open_readyz(const http::Request& request, http::Exchange& exchange) {
  const bool is_draining = shared_.is_draining.load(std::memory_order_relaxed);
  if (is_draining) return text(request, exchange, 503, kPlain, "draining\n");
  if (const std::string trouble = shared_.journal.trouble(); !trouble.empty()) {
    return text(request, exchange, 503, kPlain, trouble + "\n");
  }
  return shared_.is_short_of_memory(MemoryLevel::park)
             ? text(request, exchange, 503, kPlain, "overloaded\n")
             : text(request, exchange, 200, kPlain, "ready\n");
}

Admin::AnswerPtr Admin::open_metrics(const http::Request& request, http::Exchange& exchange) {
  return text(request, exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
              metrics_text(workers_, shared_));
}

Admin::AnswerPtr Admin::open_status(const http::Request& request, http::Exchange& exchange) {
  return text(request, exchange, 200, "application/json", metrics_json(workers_, shared_));
}

Admin::AnswerPtr Admin::open_live(const http::Request& request, http::Exchange& exchange) {
  return live_.open(request, exchange);
}

Admin::AnswerPtr Admin::open_drain(const http::Request& request, http::Exchange& exchange) {
  // Only a signal is as impatient as to cut a drain short.
  if (shared_.is_draining.load()) return text(request, exchange, 200, kPlain, "draining\n");
  shared_.drain();
  return text(request, exchange, 202, kPlain, "draining from now on\n");
}

Admin::AnswerPtr Admin::open_streams(const http::Request& request, http::Exchange& exchange) {
  return lists_.list_streams(request, exchange);
}

Admin::AnswerPtr Admin::open_stream(const http::Request& request, http::Exchange& exchange) {
  return lists_.end_stream(request, exchange);
}

Admin::AnswerPtr Admin::open_connections(const http::Request& request, http::Exchange& exchange) {
  return lists_.list_connections(request, exchange);
}

Admin::AnswerPtr Admin::open_connection(const http::Request& request, http::Exchange& exchange) {
  return lists_.close_connection(request, exchange);
}

Admin::AnswerPtr Admin::open_revoke(const http::Request& request, http::Exchange& exchange) {
  const auto query = http::parse_form(request.query, 10);
  const std::string* subject = query ? http::first(*query, "subject") : nullptr;
  if (subject == nullptr || subject->empty()) {
    return http::problem(exchange, 400,
                         "name whose tokens are to count no more: POST /revoke?subject=SUBJECT");
  }
  const std::size_t streams = shared_.subjects.streams_of(*subject);
  const journal::Roster* const roster = shared_.journal.roster();
  const std::size_t untold = roster == nullptr ? 0 : roster->untold();
  shared_.revoke(*subject);
  if (roster == nullptr) {
    return text(request, exchange, 200, kPlain,
                fmt::format("{} streams are being ended\n", streams));
  }
  std::string trouble = shared_.journal.trouble();
  if (trouble.empty() && untold > 0) {
    trouble = fmt::format("{} before this one wait for Redis to take them", untold);
  }
  const bool is_well = trouble.empty();
  return text(
      request, exchange, is_well ? 200 : 202, kPlain,
      fmt::format(
          "{} streams are being ended here; the other instances are told {}\n", streams,
          is_well ? "too" : "when they can be, if this one is there for so long: " + trouble));
}

Admin::AnswerPtr Admin::open_reload(const http::Request& request, http::Exchange& exchange) {
  ReloadReport report = shared_.reload();
  const bool is_done = report.kind == ReloadReport::Kind::done;
  const int refusal = report.kind == ReloadReport::Kind::faulty ? 422 : 409;
  return text(request, exchange, is_done ? 200 : refusal, kPlain, std::move(report.text));
}

}  // namespace sluice::server
