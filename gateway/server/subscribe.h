/// Subscriptions over HTTP: from a GET to an EventStream, to a parking answer, or to an error.
///
/// Browsers close an EventSource for ever on any answer but 200. So what may be different in a
/// while (a drain, a full connection) is answered by *parking*: 200, a `retry` line, end. A 4xx is
/// for what will not get better by itself.
///
/// Owner   its worker's Site. Thread  that worker only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/hub/hub.h"
#include "gateway/server/event_stream.h"
#include "gateway/server/shared.h"

namespace sluice::server {

using EventStreams = IntrusiveList<EventStream, EventStreamTag>;

class Subscribe {
 public:
  Subscribe(const Shared& shared, hub::Hub& hub, EventStreams& streams,
            EventStream::Setting setting);

  /// `GET /.well-known/mercure?topic=…&topic=…`
  std::unique_ptr<http::Answer> open_mercure(const http::Request& request,
                                             http::Exchange& exchange);
  /// `GET /events/{topic}`; `topic` is decoded.
  std::unique_ptr<http::Answer> open_topic(std::string topic, const http::Request& request,
                                           http::Exchange& exchange);

 private:
  struct Wish {
    std::vector<std::string> topics;
    std::string last_event_id;
  };
  std::unique_ptr<http::Answer> open(Wish wish, const http::Request& request,
                                     http::Exchange& exchange);
  std::unique_ptr<http::Answer> reject(int status, std::string text, const http::Request& request,
                                       http::Exchange& exchange);
  std::unique_ptr<http::Answer> park(const http::Request& request, http::Exchange& exchange);
  [[nodiscard]] bool is_full(const http::Connection& connection) const;

  const Shared& shared_;
  hub::Hub& hub_;
  EventStreams& streams_;
  const EventStream::Setting setting_;
};

/// The bearer token of an `authorization` field; empty when there is none.
std::string_view bearer_token(const http::Headers& headers);

}  // namespace sluice::server
