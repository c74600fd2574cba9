/// Upstream: one [[upstream]] as one worker sees it: its addresses, connections, and who waits.
///
/// A call goes to the address with the fewest open calls; there it takes a kept HTTP/1.1 connection,
/// a stream of an HTTP/2 one, or waits for a new connection. An address that failed rests for a
/// time that doubles while others are well; when all rest, the one whose time is up first is tried
/// again and again, but no more often than every 100 ms. Names are resolved off the loop, when
/// first needed, when the answer is old, and when an address fails.
///
///   address:  well ─► failed (connect, or a connection that broke before any answer) ─► resting ─►
///             tried by one call ─► well | failed, for twice as long
///
/// Owner   Relay. Thread  its worker's; counters: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/result.h"
#include "gateway/net/address.h"
#include "gateway/net/connections.h"
#include "gateway/net/resolver.h"
#include "gateway/net/timer.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/endpoint.h"
#include "gateway/relay/options.h"
#include "gateway/relay/upstream_call.h"

namespace sluice::relay {

/// "http://127.0.0.1:9000", read.
struct UpstreamUrl {
  bool is_tls = false;
  std::string host;  ///< A name or an address without brackets.
  std::uint16_t port = 80;
};
/// Scheme, host and port, and nothing else but a final '/'.
Result<UpstreamUrl> parse_upstream_url(std::string_view text);
