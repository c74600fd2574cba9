/// Stream: an answer that may become an event stream, as its worker sees it who may have to end it.
///
/// Owner   its session, as every http::Answer. Thread  its worker's.
#pragma once

#include <cstdint>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/units.h"
#include "gateway/http/exchange.h"

namespace sluice::relay {

struct StreamTag;

class Stream : public http::Answer, public ListHook<StreamTag> {
 public:
  /// At the next boundary of events says when to come back, and ends the answer. A stream that its
  /// client would not ask for again (the answer to a POST) goes on to its own end.
  /// `why`: what a log says of it.
  virtual void end(Millis retry, http::Ending why = http::Ending::drained) = 0;
  /// Ends it at once, whatever it is: who opened it may read it no longer.
  virtual void cut(Millis retry, http::Ending why) = 0;
  /// Of the token that opened it.
  [[nodiscard]] virtual std::string_view subject() const = 0;
  /// For a list of streams; good as long as it is open.
  struct Facts {
    const http::Exchange& exchange;
    std::string_view route;
    std::string_view client;  ///< The real one, where that is not the connection's; else empty.
    std::uint64_t bytes;      ///< Taken by the client.
    TimePoint begun;
    bool may_return;  ///< Its client asks again by itself: end() has an effect.
  };
  [[nodiscard]] virtual Facts facts() const = 0;
};

/// Those that a drain may end: in no order.
using Streams = IntrusiveList<Stream, StreamTag>;

}  // namespace sluice::relay
