/// Stream: an event stream to a client, as its worker sees it who may have to end it.
///
/// Owner   its session, as every http::Answer. Thread  its worker's.
#pragma once

#include <string_view>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/units.h"

namespace sluice::relay {

struct StreamTag;

class Stream : public ListHook<StreamTag> {
 public:
  /// At the next boundary of events says when to come back, and ends the answer. A stream that its
  /// client would not ask for again (the answer to a POST) goes on to its own end.
  virtual void end(Millis retry) = 0;
  /// Ends it at once, whatever it is: who opened it may read it no longer.
  virtual void cut(Millis retry) = 0;
  /// Of the token that opened it.
  [[nodiscard]] virtual std::string_view subject() const = 0;

 protected:
  ~Stream() = default;
};

/// Those that a drain may end: in no order.
using Streams = IntrusiveList<Stream, StreamTag>;

}  // namespace sluice::relay
