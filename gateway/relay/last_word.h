/// last_answer, error_answer, last_event: a Parting as its client is told it, in the form that its
/// route says.
///
/// Thread  any; pure functions, but for the random `retry`.
#pragma once

#include <string>

#include "gateway/http/message.h"
#include "gateway/relay/options.h"
#include "gateway/relay/parting.h"
#include "gateway/relay/tenure.h"
#include "gateway/relay/terms.h"

namespace sluice::relay {

/// An answer of ours, where nothing was said yet. An EventSource is parked where the route says so,
/// with a status of 200: an error it would take for the end, and never come back.
struct LastAnswer {
  http::Response head;
  std::string body;
};
LastAnswer last_answer(const RouteOptions& route, const RetryRange& retry, const Opening& opening,
                       const Parting& parting);
/// The same, where nobody is parked: he would ask for what is no better the next time.
LastAnswer error_answer(const RouteOptions& route, const Terms& terms, const Parting& parting);

/// An event for a stream that was begun. Where a route has no form of its own (ErrorForm::reset),
/// whose client may have been answered early all the same, it is ErrorForm::event's.
std::string last_event(const RouteOptions& route, const Parting& parting);

}  // namespace sluice::relay
