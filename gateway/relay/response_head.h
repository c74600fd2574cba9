/// The heads of answers: the upstream's as the client gets it, and ours before the upstream's.
///
/// Thread  any; pure functions.
#pragma once

#include <cstdint>
#include <optional>

#include "gateway/http/exchange.h"
#include "gateway/http/message.h"
#include "gateway/relay/options.h"
#include "gateway/relay/terms.h"

namespace sluice::relay {

/// 200 with text/event-stream, in any case and with any parameters, and not compressed: what the
/// relay can follow.
bool is_event_stream(const http::Response& response);

/// The upstream's answer without what speaks of its connection, its body's length or its other
/// addresses; an event stream with what keeps others from storing, changing or holding it back.
///
/// Fields of `terms.answer_headers` take the place of the upstream's, but `vary` is joined. When
/// they are those of http::Cors (which always has `vary: origin`), no other CORS field of the
/// upstream passes either: it might allow what the route does not. The route's own rules come last.
http::Response make_answer(const RouteOptions& route, http::Response upstream, const Terms& terms,
                           bool is_event_stream);

/// As it is for those whose request was not sent: cookies are for the one whose request was.
http::Response without_cookies(const http::Response& upstream);

/// How the body of an answer is sent that is no event stream; `length`: null where nobody knows it.
http::Kind kind_of_body(int status, std::optional<std::uint64_t> length);

/// The head of an event stream that begins before the upstream has answered.
http::Response early_head(const RouteOptions& route, const Terms& terms);

}  // namespace sluice::relay
