#include "gateway/relay/last_word.h"

#include <utility>

#include "gateway/base/random.h"
#include "gateway/relay/error_event.h"
#include "gateway/relay/response_head.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {

LastAnswer last_answer(const RouteOptions& route, const RetryRange& retry, const Opening& opening,
                       const Parting& parting) {
  if (opening.is_get && opening.wants_events && parting.status > 500 &&
      route.unavailable == Unavailable::park) {
    return {.head = early_head(route, opening.terms),
            .body = sse::retry_line(jitter(retry.parked_min, retry.parked_max))};
  }
  return error_answer(route, opening.terms, parting);
}

LastAnswer error_answer(const RouteOptions& route, const Terms& terms, const Parting& parting) {
  http::Response head{.status = parting.status, .headers = {}};
  head.headers.add("cache-control", "no-store");
  for (const http::Field& field : terms.answer_headers) head.headers.add(field.name, field.value);
  if (!terms.request_id.empty()) head.headers.add("x-request-id", terms.request_id);
  ErrorBody body = error_body(route.errors, parting.status, parting.kind, parting.what);
  head.headers.add("content-type", std::string(body.content_type));
  return {.head = std::move(head), .body = std::move(body.text)};
}

std::string last_event(const RouteOptions& route, const Parting& parting) {
  const ErrorForm form = route.errors == ErrorForm::reset ? ErrorForm::event : route.errors;
  return error_event(form, parting.status, parting.kind, parting.what);
}

}  // namespace sluice::relay
