/// make_request: the request as the upstream is asked it.
///
/// h1 and h2 let in only what is well-formed: a method that is a token, an authority without
/// userinfo that equals Host, a path of visible ASCII without '#' and '\', one length. Here is what
/// a gateway adds: nothing of the client's that speaks of connections, proxies or the gateway goes
/// on, and who asks is told by us.
/// Thread  any; pure function.
#pragma once

#include <string_view>

#include <tl/expected.hpp>

#include "gateway/http/client.h"
#include "gateway/http/message.h"
#include "gateway/relay/options.h"
#include "gateway/relay/parting.h"
#include "gateway/relay/terms.h"

namespace sluice::relay {

/// Of `terms` a field of `upstream_headers` takes the place of the client's; an empty value takes
/// the client's away. Then come the route's own rules. `scheme` stays the client's.
///
/// Asked for streams that it has to read, the upstream is not to compress them. A cursor
/// (`last-event-id`) passes: who has cursors of his own takes it out.
tl::expected<http::Outgoing, Parting> make_request(const RouteOptions& route,
                                                   const http::Request& request,
                                                   const Terms& terms);

}  // namespace sluice::relay
