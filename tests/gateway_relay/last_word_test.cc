#include "gateway/relay/last_word.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace sluice::relay {
namespace {

const RetryRange kRetry{.parked_min = Millis(7'000), .parked_max = Millis(7'000)};

Parting parting_of(int status) {
  return {.status = status, .kind = "upstream_closed", .what = "it broke off"};
}

Opening event_source() {
  Opening opening;
  opening.is_get = opening.wants_events = true;
  return opening;
}

std::string field(const LastAnswer& answer, std::string_view name) {
  return answer.head.headers.joined(name).value_or("");
}

TEST_SUITE("last word") {
  TEST_CASE("an EventSource is parked: it comes back by itself, as it would not after an error") {
    const RouteOptions route;
    for (const int status : {502, 503, 504}) {
      const auto answer = last_answer(route, kRetry, event_source(), parting_of(status));
      CHECK(answer.head.status == 200);
      CHECK(field(answer, "content-type") == "text/event-stream");
      CHECK(answer.body == "retry: 7000\n");
    }
  }

  TEST_CASE("who would not ask for the same again is told the status") {
    RouteOptions route;
    Opening post = event_source();
    post.is_get = false;
    CHECK(last_answer(route, kRetry, post, parting_of(502)).head.status == 502);
    Opening page = event_source();
    page.wants_events = false;
    CHECK(last_answer(route, kRetry, page, parting_of(502)).head.status == 502);
    CHECK(last_answer(route, kRetry, event_source(), body_too_large(1)).head.status == 413);
    route.unavailable = Unavailable::status;
    CHECK(last_answer(route, kRetry, event_source(), parting_of(502)).head.status == 502);
  }

  TEST_CASE("an error is stored nowhere, has the fields of every answer and the route's form") {
    RouteOptions route;
    Opening opening;
    opening.terms.request_id = "17";
    opening.terms.answer_headers.add("access-control-allow-origin", "https://a.example");
    const auto plain = last_answer(route, kRetry, opening, parting_of(502));
    CHECK(field(plain, "cache-control") == "no-store");
    CHECK(field(plain, "access-control-allow-origin") == "https://a.example");
    CHECK(field(plain, "content-type") == "text/plain; charset=utf-8");
    CHECK(plain.body == "it broke off\n");
    CHECK(field(plain, "x-request-id") == "17");
    route.errors = ErrorForm::event;
    const auto json = last_answer(route, kRetry, opening, parting_of(502));
    CHECK(field(json, "content-type") == "application/json");
    CHECK(json.body.find("\"upstream_closed\"") != std::string::npos);
  }

  TEST_CASE("a stream that was begun is told in an event, where its route has no form too") {
    RouteOptions route;
    const std::string event =
        "event: error\n"
        "data: {\"error\":{\"status\":502,\"type\":\"upstream_closed\",\"message\":\"it broke "
        "off\"}}\n\n";
    CHECK(last_event(route, parting_of(502)) == event);
    route.errors = ErrorForm::event;
    CHECK(last_event(route, parting_of(502)) == event);
    route.errors = ErrorForm::openai;
    CHECK(last_event(route, parting_of(502)).starts_with("data: {\"error\":"));
  }
}

}  // namespace
}  // namespace sluice::relay
