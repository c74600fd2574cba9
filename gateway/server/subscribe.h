/// Subscriptions over HTTP: from a request to an EventStream, to a parking answer, or to an error.
///
/// Browsers close an EventSource for ever on any answer but 200. So what may be different in a
/// while (a drain, a full connection, an expired cookie) is answered by *parking*: 200, a `retry`
/// line, end. A 4xx is for what will not get better by itself.
///
/// Owner   its worker's Site. Thread  that worker only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/exchange.h"
#include "gateway/hub/hub.h"
#include "gateway/server/access.h"
#include "gateway/server/event_stream.h"
#include "gateway/server/shared.h"
#include "gateway/server/wish.h"

namespace sluice::server {

class Subscribe {
 public:
  Subscribe(Shared& shared, hub::Hub& hub, EventStreams& streams, EventStream::Setting setting);

  /// `GET /.well-known/mercure?topic=…&topic=…`, or `?match=…`
  std::unique_ptr<http::Answer> open_mercure(const http::Request& request,
                                             http::Exchange& exchange);
  /// `QUERY /.well-known/mercure`: the fields are in the body, a form, and in the query.
  std::unique_ptr<http::Answer> open_query(const http::Request& request, http::Exchange& exchange);
  /// `GET /events/{topic}`; `topic` is decoded.
  std::unique_ptr<http::Answer> open_topic(std::string topic, const http::Request& request,
                                           http::Exchange& exchange);

 private:
  friend class QueryAnswer;

  std::unique_ptr<http::Answer> open_fields(const http::Form& fields, const http::Request& request,
                                            http::Exchange& exchange);
  std::unique_ptr<http::Answer> open(Wish wish, const http::Form& fields,
                                     const http::Request& request, http::Exchange& exchange);
  std::unique_ptr<http::Answer> open_stream(const Wish& wish, const Bearer& bearer,
                                            http::Response head, const http::Request& request,
                                            http::Exchange& exchange);
  struct Opening;
  void begin(EventStream& stream, http::Exchange& exchange, Opening opening, hub::Start start);
  [[nodiscard]] std::vector<ActiveSubscription> present(const Wish& wish,
                                                        const auth::Grants& grants) const;
  [[nodiscard]] std::size_t rate_of(const Wish& wish) const;
  [[nodiscard]] std::string cursor_of(const Wish& wish, const hub::Start& start) const;
  [[nodiscard]] http::Response head_for(const http::Request& request, const Bearer& bearer) const;

  std::unique_ptr<http::Answer> deny(const Denial& denial, const http::Request& request,
                                     http::Exchange& exchange);
  std::unique_ptr<http::Answer> reject(std::string text, const http::Request& request,
                                       http::Exchange& exchange);
  /// `why`: where it is counted.
  std::unique_ptr<http::Answer> park(const http::Request& request, http::Exchange& exchange,
                                     Counter& why);
  [[nodiscard]] Millis parked_retry() const;
  /// Where it is counted that there is no room for one more stream; null: there is.
  [[nodiscard]] Counter* obstacle(const http::Connection& connection) const;

  Shared& shared_;
  hub::Hub& hub_;
  EventStreams& streams_;
  const EventStream::Setting setting_;
};

}  // namespace sluice::server
