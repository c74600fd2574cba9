/// Admin: the listener for operators and load balancers: health, metrics, status. HTTP/1.1, clear.
///
///   /livez    200 while the process runs
///   /readyz   200, or 503 from the moment a drain begins, and while memory is short
///   /metrics  Prometheus text;  /status  the same as JSON
///   /         the dashboard (dashboard.h), or for others than browsers what is here, as text
///   /live     what the dashboard shows, once a second, as an event stream
///   POST /drain   what SIGTERM does
///   /streams  /connections   who is connected, the slowest first (admin_lists.h)
///   POST /streams/ID/end  /connections/ID/close
///   POST /revoke?subject=S   ends S's streams; its tokens issued until now count no more
///   POST /reload             as SIGHUP: says what was taken over, 422 with faults, or 409
///
/// Owner   server::Gateway. Thread  the control loop's; the workers cannot slow it down.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "gateway/h1/session.h"
#include "gateway/http/exchange.h"
#include "gateway/net/connections.h"
#include "gateway/net/listener.h"
#include "gateway/server/admin_lists.h"
#include "gateway/server/live_feed.h"
#include "gateway/server/metrics.h"

namespace sluice::server {

class Admin final : public http::Service {
 public:
  Admin(net::Loop& loop, const Shared& shared, const Workers& workers);

  void listen(UniqueFd socket);
  /// Another process answers newcomers.
  void stop_listening() { listeners_.clear(); }
  /// Turn end of the control loop: writes the answers.
  bool flush() { return connections_.flush(); }
  /// The gateway ends: dashboards are told, by the next flush().
  void end_live() { live_.end(); }
  [[nodiscard]] const LiveCounters& live_counters() const { return live_.counters(); }

  std::unique_ptr<http::Answer> open(const http::Request& request,
                                     http::Exchange& exchange) override;

 private:
  using AnswerPtr = std::unique_ptr<http::Answer>;
  /// One of what is here; the table of them is in admin.cc.
  struct Endpoint {
    std::string_view path;   ///< With '/' at its end: all below it.
    bool is_order;           ///< It does something: POST, and not from a browser's page.
    std::string_view usage;  ///< As `/` lists it; empty: it does not.
    AnswerPtr (Admin::*open)(const http::Request& request, http::Exchange& exchange);
  };

  [[nodiscard]] static const Endpoint* find(std::string_view path);
  AnswerPtr open_index(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_livez(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_readyz(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_metrics(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_status(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_live(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_drain(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_revoke(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_reload(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_streams(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_stream(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_connections(const http::Request& request, http::Exchange& exchange);
  AnswerPtr open_connection(const http::Request& request, http::Exchange& exchange);

  static const Endpoint kEndpoints[];

  net::Loop& loop_;
  const Shared& shared_;
  const Workers& workers_;
  h1::Counters counters_;
  LiveFeed live_;
  AdminLists lists_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  net::Connections connections_;
};

}  // namespace sluice::server
