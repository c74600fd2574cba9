#include "gateway/server/dashboard.h"

#include <utility>

#include <fmt/format.h>

#include "gateway/http/answers.h"

namespace sluice::server {
namespace {

bool is_browser(const http::Request& request) {
  const auto accept = request.headers.joined("accept");
  return accept && accept->find("text/html") != std::string::npos;
}

http::Response head_of(std::string_view type) {
  return {200,
          {{"content-type", std::string(type)},
           {"cache-control", "no-store"},
           {"vary", "accept"},
           {"x-content-type-options", "nosniff"}}};
}

}  // namespace

std::unique_ptr<http::Answer> open_dashboard(const http::Request& request, http::Exchange& exchange,
                                             std::string text) {
  const bool is_head = request.method == "HEAD";
  if (!is_browser(request)) {
    return http::reply(exchange, head_of("text/plain; charset=utf-8"), std::move(text), is_head);
  }
  http::Response head = head_of("text/html; charset=utf-8");
  head.headers.add("content-security-policy",
                   fmt::format("default-src 'none'; script-src {}; style-src {}; img-src data:; "
                               "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                               "frame-ancestors 'none'",
                               kDashboardPageScripts, kDashboardPageStyles));
  head.headers.add("referrer-policy", "no-referrer");
  return http::reply(exchange, std::move(head), std::string(kDashboardPage), is_head);
}

}  // namespace sluice::server
