/// RelaySite: requests for routes: which route takes one, whether it may, and on what terms it goes
/// on to the relay.
///
///   route ─► preflight? ─► token, claims ─► room? (or parked) ─► call-out ─► Relay::open()
///                                                   room? (Terms::admit) ◄─ an event stream's head
///
/// Owner   its worker. Thread  that worker only.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/relay/auth_cache.h"
#include "gateway/relay/auth_request.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/terms.h"
#include "gateway/server/access.h"
#include "gateway/server/counters.h"
#include "gateway/server/routes.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class RelaySite {
 public:
  /// What it leaves to the worker and its relay.
  struct Doors {
    const RetryOptions& retry;  ///< The worker's; a reload changes it.
    /// As relay::Relay::open().
    std::function<std::unique_ptr<http::Answer>(std::size_t route, const http::Request&,
                                                http::Exchange&, relay::Terms)>
        open;
    /// Puts a question to `call`'s upstream; `done` is called once, and never from inside.
    std::function<std::unique_ptr<relay::Asking>(const AuthCallOptions& call, http::Outgoing,
                                                 relay::AuthRequest::Done done)>
        ask;
    /// Where it is counted what becomes of a route's requests before the relay has them.
    std::function<relay::RouteCounters&(std::size_t route)> counters;
  };

  RelaySite(Shared& shared, const Routes& routes, Counters& counters, Doors doors);

  /// Null: no route takes it, or the hub goes before: one of its own paths, of which `hub_path`
  /// characters are fixed, is more specific. 0: it is none of the hub's.
  std::unique_ptr<http::Answer> open(const http::Request& request, http::Exchange& exchange,
                                     std::size_t hub_path);
  /// False: this authority is nobody's here (421).
  [[nodiscard]] bool knows_host(const http::Request& request) const {
    return routes_.match().knows_host(request.authority);
  }

 private:
  /// Whom we answer ourselves, where we do.
  struct Client {
    http::Exchange& exchange;
    http::Headers fields;                             ///< On every answer: CORS, x-request-id.
    relay::ErrorForm form = relay::ErrorForm::reset;  ///< The route's: of refusals.
    bool is_head = false;                             ///< It asked by HEAD.
    bool may_return = false;  ///< It is an EventSource, which comes back by itself.
  };
  /// A request on its way through here.
  struct Visit {
    std::size_t route;
    const http::Request& request;
    Client client;
    relay::Terms terms;
    Bearer bearer;
    bool wants_events = false;  ///< It accepts an event stream.
  };
  using AnswerPtr = std::unique_ptr<http::Answer>;

  [[nodiscard]] std::optional<std::size_t> find(const http::Request& request) const;
  [[nodiscard]] bool is_ours(std::size_t route, std::size_t hub_path) const;
  [[nodiscard]] bool is_misleading(const http::Request& request, std::size_t route) const;
  [[nodiscard]] Visit visit(std::size_t route, const http::Request& request,
                            http::Exchange& exchange) const;
  // Each gives an answer if the request goes no further.
  AnswerPtr check_token(Visit& visit);
  AnswerPtr check_room(Visit& visit);
  AnswerPtr ask(Visit visit, std::shared_ptr<http::Request> changed);
  /// It may: the relay has it from now on.
  AnswerPtr go_on(Visit& visit, const http::Request& request);

  AnswerPtr decide(const relay::AuthAnswer& answer, Visit& visit);
  void complain(std::size_t route, const std::string& why);
  AnswerPtr deny(const Denial& denial, const Visit& visit);
  AnswerPtr refuse(const relay::Parting& parting, const Client& client, http::Headers extra = {});
  AnswerPtr park(const Client& client);
  /// An answer if there is no room for one more event stream.
  AnswerPtr check_totals(const Client& client);
  /// The same for one more of the address and of the subject; of an empty one nothing is counted.
  AnswerPtr take_lease(const Client& client, const std::string& address, const std::string& subject,
                       std::shared_ptr<void>& lease);
  /// Parked if it comes back by itself, else `status`.
  AnswerPtr send_away(const Client& client, int status, std::string text, Counter& why);
  [[nodiscard]] http::Outgoing question(const Visit& visit) const;
  [[nodiscard]] std::string principal(const Visit& visit) const;
  [[nodiscard]] std::string request_id(const Visit& visit) const;

  Shared& shared_;
  const Routes& routes_;
  Counters& counters_;
  const Doors doors_;
  std::vector<relay::AuthCache> caches_;   ///< Of each route.
  std::vector<TimePoint> next_complaint_;  ///< Of each route: when one of its call-out is due.
};

}  // namespace sluice::server
