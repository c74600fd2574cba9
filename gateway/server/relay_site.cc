#include "gateway/server/relay_site.h"

#include <algorithm>
#include <utility>

#include "gateway/auth/digest.h"
#include "gateway/base/ascii.h"
#include "gateway/base/random.h"
#include "gateway/http/answers.h"
#include "gateway/http/uri.h"
#include "gateway/relay/client_cert.h"
#include "gateway/relay/error_event.h"
#include "gateway/relay/path.h"
#include "gateway/server/credentials.h"
#include "gateway/server/event_stream.h"
#include "gateway/server/wish.h"
#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

bool is_request_id(std::string_view text) {
  constexpr std::size_t kMost = 128;
  return !text.empty() && text.size() <= kMost &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

void add_all(const http::Headers& more, http::Headers& fields) {
  for (const http::Field& field : more) fields.add(field.name, field.value);
}

}  // namespace

RelaySite::RelaySite(Shared& shared, const Routes& routes, Counters& counters, Doors doors)
    : shared_(shared), routes_(routes), counters_(counters), doors_(std::move(doors)) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    caches_.emplace_back(routes.access(i).call.cache_entries);
  }
  next_complaint_.resize(routes.size());
}

// --- Which route --------------------------------------------------------------------------------

/// A preflight asks about another request: that one's route answers it, or passes it on.
std::optional<std::size_t> RelaySite::find(const http::Request& request) const {
  if (!http::Cors::is_preflight(request)) return routes_.match().match(request);
  http::Request meant = request;
  meant.method = *request.headers.find("access-control-request-method");
  const auto route = routes_.match().match(meant);
  if (route && routes_.cors(*route) != nullptr) return route;
  const auto own = routes_.match().match(request);
  return own ? own : route;
}

bool RelaySite::is_ours(std::size_t route, std::size_t hub_path) const {
  const std::string& path = routes_.route(route).path;
  return !relay::is_prefix_pattern(path) || path.size() - 1 >= hub_path;
}

/// Its path means this route to us, and another one to an application that reads paths loosely.
bool RelaySite::is_misleading(const http::Request& request, std::size_t route) const {
  if (request.path.find_first_of("%;") == std::string::npos &&
      request.path.find("//") == std::string::npos) {
    return false;
  }
  std::string path = relay::canonical_path(request.path);
  // An exact route says itself what it takes.
  const bool has_slash =
      relay::is_prefix_pattern(routes_.route(route).path) && relay::has_escaped_slash(path);
  const bool is_loose = path.find("//") != path.npos || path.find(';') != path.npos;
  if (!has_slash && !(is_loose && routes_.has_guards())) return false;
  if (has_slash) path = relay::path_with_slashes(path);
  http::Request plain = request;
  plain.path = relay::path_without_parameters(path);
  return find(plain) != route;
}

RelaySite::Visit RelaySite::visit(std::size_t route, const http::Request& request,
                                  http::Exchange& exchange) const {
  Visit visit{.route = route,
              .request = request,
              .client = {.exchange = exchange, .fields = {}, .form = routes_.route(route).errors},
              .terms = {},
              .bearer = {}};
  const auto accept = request.headers.joined("accept");
  visit.wants_events = accept && http::accepts(*accept, "text/event-stream");
  visit.client.may_return = visit.wants_events && request.method == "GET";
  visit.client.is_head = request.method == "HEAD";
  visit.terms.forwarded =
      http::read_forwarded(request, exchange.connection().peer, routes_.trusted());
  visit.terms.request_id = request_id(visit);
  visit.terms.retires = shared_.end_of_stream({});
  if (routes_.access(route).forward_certificate) {
    visit.terms.certificate = exchange.connection().certificate;
  }
  if (const http::Cors* cors = routes_.cors(route)) {
    cors->add_fields(request, visit.terms.answer_headers);
  }
  if (http::Account* const account = exchange.account()) {
    account->route = routes_.route(route).name;
    account->request_id = visit.terms.request_id;
  }
  visit.client.fields = visit.terms.answer_headers;
  visit.client.fields.add("x-request-id", visit.terms.request_id);
  return visit;
}

std::unique_ptr<http::Answer> RelaySite::open(const http::Request& request,
                                              http::Exchange& exchange, std::size_t hub_path) {
  const auto route = find(request);
  if (!route || !is_ours(*route, hub_path)) return nullptr;
  doors_.counters(*route).requests.add();
  const http::Cors* cors = routes_.cors(*route);
  if (cors != nullptr && http::Cors::is_preflight(request)) {
    return http::reply(exchange, cors->preflight(request), {});
  }
  Visit visit = this->visit(*route, request, exchange);
  if (is_misleading(request, *route)) {
    return refuse(relay::bad_request("the path could be taken for one of another route: it has //, "
                                     "a ; or an escaped slash"),
                  visit.client);
  }
  if (auto answer = check_token(visit)) return answer;
  if (auto answer = check_room(visit)) return answer;
  const RouteAccess& access = routes_.access(*route);
  std::shared_ptr<http::Request> changed;
  if (access.token != TokenUse::off) {
    changed = std::make_shared<http::Request>(request);
    const Carrier kept = access.pass_token ? visit.bearer.carrier : Carrier::none;
    remove_tokens(*changed, kept, shared_.access.cookies());
  }
  if (!access.call.url.empty()) return ask(std::move(visit), std::move(changed));
  visit.terms.principal = principal(visit);
  return go_on(visit, changed ? *changed : request);
}

std::unique_ptr<http::Answer> RelaySite::go_on(Visit& visit, const http::Request& request) {
  // What was counted before it was asked is not counted again.
  std::string subject = visit.wants_events ? std::string() : visit.terms.subject;
  std::string address = visit.wants_events ? std::string() : visit.terms.forwarded.client;
  visit.terms.admit = [this, client = visit.client, subject = std::move(subject),
                       address = std::move(address)](std::shared_ptr<void>& lease) {
    auto instead = check_totals(client);
    if (!instead) instead = take_lease(client, address, subject, lease);
    if (!instead) counters_.relay_streams.add();
    return instead;
  };
  return doors_.open(visit.route, request, visit.client.exchange, std::move(visit.terms));
}

// --- Whether it may -----------------------------------------------------------------------------

std::unique_ptr<http::Answer> RelaySite::check_token(Visit& visit) {
  const RouteAccess& access = routes_.access(visit.route);
  const bool is_guarded = access.token != TokenUse::off || !access.call.url.empty();
  if (!is_guarded) return nullptr;
  if (has_token_twice(visit.request, shared_.access.cookies())) {
    doors_.counters(visit.route).denied.add();
    return refuse(relay::bad_request("a token, or what may carry one, is there twice"),
                  visit.client);
  }
  if (access.token == TokenUse::off) return nullptr;
  // A query that cannot be read has no token for us; it is the application's.
  const auto query = http::parse_form(visit.request.query, kMaxQueryFields).value_or(http::Form());
  auto bearer = shared_.access.relayed(visit.request, query, routes_.verifier(visit.route));
  if (!bearer) return deny(bearer.error(), visit);
  visit.bearer = std::move(*bearer);
  if (visit.bearer.carrier == Carrier::none) {
    if (access.token == TokenUse::optional) return nullptr;
    return deny({401, "a token is needed here: " + shared_.access.carriers(true), {}}, visit);
  }
  if (auto good = auth::check_claims(visit.bearer.token, access.claims); !good) {
    return deny({403, good.error().what, "insufficient_scope"}, visit);
  }
  visit.terms.ends = visit.bearer.ends.value_or(TimePoint::max());
  visit.terms.subject = visit.bearer.grants.subject;
  if (http::Account* const account = visit.client.exchange.account()) {
    account->set_subject(visit.terms.subject);
  }
  return nullptr;
}

/// For one event stream more. Who asks for one need not wait for an answer that has no room.
std::unique_ptr<http::Answer> RelaySite::check_room(Visit& visit) {
  if (!visit.wants_events) return nullptr;
  if (auto answer = check_totals(visit.client)) return answer;
  return take_lease(visit.client, visit.terms.forwarded.client, visit.terms.subject,
                    visit.terms.lease);
}

std::unique_ptr<http::Answer> RelaySite::check_totals(const Client& client) {
  Counter* const why = obstacle_to_stream(shared_, client.exchange.connection(), counters_);
  if (why == nullptr) return nullptr;
  // Who would not come back by himself is served to the end of a drain.
  if (why == &counters_.refused_draining && !client.may_return) return nullptr;
  return send_away(client, 503, "there are too many event streams", *why);
}

std::unique_ptr<http::Answer> RelaySite::send_away(const Client& client, int status,
                                                   std::string text, Counter& why) {
  why.add();
  if (client.may_return) return park(client);
  counters_.relay_limited.add();
  return refuse({.status = status, .kind = "too_many_streams", .what = std::move(text)}, client,
                {{"retry-after", "5"}});
}

std::unique_ptr<http::Answer> RelaySite::take_lease(const Client& client,
                                                    const std::string& address,
                                                    const std::string& subject,
                                                    std::shared_ptr<void>& lease) {
  auto place = shared_.addresses.open_stream(address);
  if (!place) {
    return send_away(client, 503, "this address has too many event streams",
                     counters_.refused_address_streams);
  }
  auto of_subject = shared_.subjects.open_stream(subject);
  if (!of_subject) {
    return send_away(client, 429, "this token has too many event streams",
                     counters_.refused_subject_streams);
  }
  if (*place == nullptr && subject.empty()) return nullptr;
  struct Leases {
    Addresses::Stream place;
    Subjects::Lease subject;
  };
  lease = std::make_shared<Leases>(Leases{std::move(*place), std::move(*of_subject)});
  return nullptr;
}

// --- Who asks ------------------------------------------------------------------------------------

/// What is told apart where a stream is shared, or a cursor taken up again.
std::string RelaySite::principal(const Visit& visit) const {
  auth::Digest digest;
  add_credentials(visit.request, routes_.access(visit.route).call.headers, digest);
  if (visit.bearer.carrier != Carrier::none) {
    digest.add("token");
    digest.add(visit.bearer.token);
    digest.add(visit.bearer.grants.subject);
  }
  if (visit.terms.certificate) {
    digest.add(relay::kClientCert);
    digest.add(relay::client_cert_field(*visit.terms.certificate));
  }
  for (const http::Field& field : visit.terms.upstream_headers) {
    if (field.value.empty()) continue;
    digest.add(field.name);
    digest.add(field.value);
  }
  return digest.empty() ? std::string() : digest.finish();
}

std::string RelaySite::request_id(const Visit& visit) const {
  const std::string* given = visit.request.headers.find("x-request-id");
  const bool is_trusted = routes_.trusted().contains(visit.client.exchange.connection().peer);
  if (given != nullptr && is_trusted && is_request_id(*given)) return *given;
  return hex(secret_bytes(16));
}

// --- If not -------------------------------------------------------------------------------------

std::unique_ptr<http::Answer> RelaySite::deny(const Denial& denial, const Visit& visit) {
  const Client& client = visit.client;
  if (denial.park && client.may_return) return park(client);
  doors_.counters(visit.route).denied.add();
  const std::string challenge =
      denial.error.empty() ? "Bearer" : with_error("Bearer", denial.error, denial.text);
  return refuse({.status = denial.status,
                 .kind = denial.status == 403 ? "forbidden" : "unauthorized",
                 .what = denial.text},
                client, {{"www-authenticate", challenge}});
}

std::unique_ptr<http::Answer> RelaySite::refuse(const relay::Parting& parting, const Client& client,
                                                http::Headers extra) {
  add_all(client.fields, extra);
  relay::ErrorBody body =
      relay::error_body(client.form, parting.status, parting.kind, parting.what);
  extra.add("content-type", std::string(body.content_type));
  extra.add("cache-control", "no-store");
  return http::reply(client.exchange, {.status = parting.status, .headers = std::move(extra)},
                     std::move(body.text), client.is_head);
}

std::unique_ptr<http::Answer> RelaySite::park(const Client& client) {
  counters_.parked.add();
  http::tell_ending(client.exchange, http::Ending::parked);
  http::Response head = event_stream_head(true);
  add_all(client.fields, head.headers);
  const RetryOptions& retry = doors_.retry;
  return http::reply(
      client.exchange, std::move(head),
      std::string(sse::kHeartbeat) + sse::retry_line(jitter(retry.parked_min, retry.parked_max)));
}

}  // namespace sluice::server
