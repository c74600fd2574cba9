/// Routes: what all workers know of the relay, and none of them changes.
///
/// Owner   server::Shared. Thread  any, but for verifiers(), before the workers run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/auth/token.h"
#include "gateway/http/cors.h"
#include "gateway/http/forwarded.h"
#include "gateway/relay/route_match.h"
#include "gateway/server/relay_options.h"

namespace sluice::server {

class Routes {
 public:
  /// `subscribers` verifies tokens for routes that have no keys of their own. The options were
  /// checked, and outlive this.
  Routes(const RelayOptions& options, const auth::VerifierOptions& tokens,
         const auth::Verifier& subscribers, const http::Networks& trusted);

  [[nodiscard]] const relay::RouteMatch& match() const { return match_; }
  [[nodiscard]] const relay::RouteOptions& route(std::size_t index) const {
    return options_.routes[index];
  }
  [[nodiscard]] const RouteAccess& access(std::size_t index) const {
    return options_.access[index];
  }
  [[nodiscard]] std::size_t size() const { return options_.routes.size(); }
  [[nodiscard]] const RelayOptions& options() const { return options_; }
  [[nodiscard]] const http::Networks& trusted() const { return trusted_; }
  [[nodiscard]] const auth::Verifier& verifier(std::size_t index) const {
    return own_[index] ? *own_[index] : subscribers_;
  }
  /// nullptr: the application speaks to browsers about other origins.
  [[nodiscard]] const http::Cors* cors(std::size_t index) const { return cors_[index].get(); }
  /// Some route asks who it is: then no path may mean one route to us and another to its upstream.
  [[nodiscard]] bool has_guards() const { return has_guards_; }

  /// Tokens shown to routes with keys of their own.
  struct Lookups {
    std::uint64_t hits = 0;    ///< They had been verified before.
    std::uint64_t misses = 0;  ///< They had not.
  };
  [[nodiscard]] Lookups lookups() const;

  /// The verifier of a route that has keys of its own, else nullptr: to give it those that are
  /// fetched.
  [[nodiscard]] auth::Verifier* own_verifier(std::size_t index) { return own_[index].get(); }

 private:
  // Set in the constructor.
  const RelayOptions& options_;
  const auth::Verifier& subscribers_;
  const relay::RouteMatch match_;
  const http::Networks& trusted_;
  std::vector<std::unique_ptr<auth::Verifier>> own_;
  std::vector<std::unique_ptr<const http::Cors>> cors_;
  bool has_guards_ = false;
};

}  // namespace sluice::server
