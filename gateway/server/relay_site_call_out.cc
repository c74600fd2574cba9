// Whether somebody else lets a request in: the call-out of a route (`auth_url`).

#include <algorithm>
#include <utility>

#include "gateway/auth/digest.h"
#include "gateway/base/log.h"
#include "gateway/http/answers.h"
#include "gateway/relay/client_cert.h"
#include "gateway/server/gate.h"
#include "gateway/server/relay_site.h"

namespace sluice::server {

/// All that it decides by is in here, and what is cached is found by all that is in here.
http::Outgoing RelaySite::question(const Visit& visit) const {
  const AuthCallOptions& call = routes_.access(visit.route).call;
  const http::Request& request = visit.request;
  http::Outgoing outgoing{.head = {.method = "GET",
                                   .scheme = call.url.starts_with("https:") ? "https" : "http",
                                   .authority = call.authority,
                                   .path = call.path,
                                   .query = call.query}};
  http::Headers& headers = outgoing.head.headers;
  std::string cookies;
  for (const http::Field& field : request.headers) {
    const auto& names = call.headers;
    if (std::find(names.begin(), names.end(), field.name) == names.end()) continue;
    if (field.name == "cookie") {
      cookies += (cookies.empty() ? "" : "; ") + field.value;
    } else {
      headers.add(field.name, field.value);
    }
  }
  if (!cookies.empty()) headers.add("cookie", std::move(cookies));
  headers.set("x-forwarded-method", request.method);
  headers.set("x-forwarded-uri",
              request.query.empty() ? request.path : request.path + '?' + request.query);
  headers.set("x-forwarded-host", visit.terms.forwarded.host);
  headers.set("x-forwarded-proto", visit.terms.forwarded.scheme);
  headers.set("x-forwarded-for", visit.terms.forwarded.client);
  headers.remove(relay::kClientCert);
  if (visit.terms.certificate) {
    headers.set(relay::kClientCert, relay::client_cert_field(*visit.terms.certificate));
  }
  return outgoing;
}

std::unique_ptr<http::Answer> RelaySite::ask(Visit visit, std::shared_ptr<http::Request> changed) {
  http::Outgoing outgoing = question(visit);
  auth::Digest digest;
  for (const http::Field& field : outgoing.head.headers) {
    digest.add(field.name);
    digest.add(field.value);
  }
  std::string key = digest.finish();
  // What goes on must be there for as long as the question takes.
  if (!changed) changed = std::make_shared<http::Request>(visit.request);
  const std::size_t route = visit.route;
  struct Waiting {
    std::shared_ptr<http::Request> request;
    Visit visit;
  };
  auto waiting =
      std::make_shared<Waiting>(Waiting{.request = changed,
                                        .visit = Visit{.route = route,
                                                       .request = *changed,
                                                       .client = std::move(visit.client),
                                                       .terms = std::move(visit.terms),
                                                       .bearer = std::move(visit.bearer),
                                                       .wants_events = visit.wants_events}});
  if (const relay::AuthAnswer* known = caches_[route].find(key, shared_.clock.now())) {
    counters_.auth_cached.add();
    return decide(*known, waiting->visit);
  }
  counters_.auth_asked.add();
  auto gate = std::make_unique<Gate>();
  gate->wait_for(
      doors_.ask(routes_.access(route).call, std::move(outgoing),
                 [this, key, waiting, route, &gate = *gate](const relay::AuthAnswer& answer) {
                   caches_[route].insert(key, answer, shared_.clock.now());
                   gate.open(decide(answer, waiting->visit));
                 }));
  return gate;
}

std::unique_ptr<http::Answer> RelaySite::decide(const relay::AuthAnswer& answer, Visit& visit) {
  if (answer.kind == relay::AuthAnswer::Kind::allowed) {
    visit.terms.upstream_headers = answer.fields;
    visit.terms.principal = principal(visit);
    return go_on(visit, visit.request);
  }
  const bool is_failure = answer.kind == relay::AuthAnswer::Kind::failed;
  (is_failure ? counters_.auth_failed : counters_.auth_denied).add();
  if (is_failure) complain(visit.route, answer.why);
  const bool may_park = routes_.route(visit.route).unavailable == relay::Unavailable::park;
  if (is_failure && visit.client.may_return && may_park) return park(visit.client);
  if (is_failure) {
    return refuse({.status = answer.status, .kind = "auth_unavailable", .what = answer.body},
                  visit.client);
  }
  http::Response head{.status = answer.status, .headers = answer.fields};
  for (const http::Field& field : visit.client.fields) head.headers.add(field.name, field.value);
  return http::reply(visit.client.exchange, std::move(head), answer.body, visit.client.is_head);
}

/// Not of each request: who decides may be down for hours.
void RelaySite::complain(std::size_t route, const std::string& why) {
  constexpr Millis kBetween{60'000};
  const TimePoint now = shared_.clock.now();
  if (now < next_complaint_[route]) return;
  next_complaint_[route] = now + kBetween;
  const AuthCallOptions& call = routes_.access(route).call;
  log::warning("route {}: nobody could say whether a request may pass; {}{}: {}",
               routes_.route(route).name, call.authority, call.path, why);
}

}  // namespace sluice::server
