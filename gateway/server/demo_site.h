/// DemoSite: the demo page, and what it asks for. Only where the configuration turns it on.
///
///   /                      the page, one file without external resources
///   /demo/config.json      a token for publishing below demo/, and where HTTP/1.1 is spoken
///   /demo/connection.json  on which connection this very request came
///
/// Owner   its worker's Site. Thread  that worker only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class DemoSite {
 public:
  explicit DemoSite(const Shared& shared) : shared_(shared) {}

  [[nodiscard]] static bool has(std::string_view path);
  /// Null when the path is none of its own.
  std::unique_ptr<http::Answer> open(const http::Request& request, http::Exchange& exchange) const;

 private:
  std::unique_ptr<http::Answer> send(const http::Request& request, http::Exchange& exchange,
                                     std::string_view type, std::string body) const;
  [[nodiscard]] std::string config_json() const;
  [[nodiscard]] std::string connection_json(const http::Connection& connection) const;

  const Shared& shared_;
};

/// gateway/server/demo/index.html, put into the program by the build.
extern const std::string_view kDemoPage;

}  // namespace sluice::server
