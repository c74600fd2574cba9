/// Terms: what was found out about a request before it was given to the relay.
///
/// Thread  a plain value.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/peer_certificate.h"
#include "gateway/http/exchange.h"
#include "gateway/http/forwarded.h"
#include "gateway/http/headers.h"

namespace sluice::relay {

/// Asked once, when an answer turns out to be an event stream, before its head is passed on, or
/// before it is answered early: whether there is room shows no sooner. Null: there is, and `lease`
/// is what it holds meanwhile. Else who answers instead; he has responded already.
using Admit = std::function<std::unique_ptr<http::Answer>(std::shared_ptr<void>& lease)>;

struct Terms {
  http::Forwarded forwarded;       ///< Who asks, as the upstream is told it.
  PeerCertificatePtr certificate;  ///< The client's, where the route tells of it; else null.
  std::string request_id;  ///< Of X-Request-Id: the client's where it is trusted, else ours.
  /// A digest of the credentials: requests with equal ones are of one principal. Empty: none.
  std::string principal;
  /// Set on the request: what the call-out gave. An empty value takes the field away.
  http::Headers upstream_headers;
  http::Headers answer_headers;       ///< Set on every answer, errors too: CORS.
  TimePoint ends = TimePoint::max();  ///< When the token is no longer good: an event stream ends.
  /// When an event stream is old enough to be asked for again: one that a GET asked for ends.
  TimePoint retires = TimePoint::max();
  std::string subject;          ///< Of the token; empty: none.
  std::shared_ptr<void> lease;  ///< Held as long as the exchange is open.
  Admit admit;                  ///< Null: there is always room.
};

}  // namespace sluice::relay
