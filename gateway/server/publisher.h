/// Publisher: who sends a publish request, and what they may do.
///
/// Thread  any; plain values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/http/exchange.h"
#include "gateway/http/message.h"
#include "gateway/hub/selector.h"
#include "gateway/server/access.h"
#include "gateway/server/shared.h"
#include "gateway/sse/event.h"

namespace sluice::server {

struct Publisher {
  std::string name = {};  ///< Tells publishers apart, for Rates.
  std::string subject = {};
  std::vector<hub::Selector> grants = {};
  std::optional<TimePoint> expires = {};  ///< When the token ceases to be accepted.
  std::optional<WallTime> issued = {};    ///< The token's `iat`.
  std::string idempotency_key = {};       ///< Of the request; empty: none.

  /// Each of the topics is granted.
  [[nodiscard]] bool may_publish_to(const std::vector<std::string>& topics) const;
  /// Why the token is no longer good, though it was when the request came; empty: it is.
  [[nodiscard]] std::string_view objection(const Shared& shared, TimePoint now) const;
  /// Gives a draft what tells it from others: the request's key and its place in the request, else
  /// its own id within its first topic. Publishers with different subjects do not collide.
  void make_unique(sse::Draft& draft, std::size_t index) const;
};

/// The only place that asks for a publisher's token, or for the certificate that stands for one.
tl::expected<Publisher, Denial> admit_publisher(const Shared& shared, const http::Request& request,
                                                const http::Connection& connection);

}  // namespace sluice::server
