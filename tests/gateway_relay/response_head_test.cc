#include "gateway/relay/response_head.h"

#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

namespace sluice::relay {
namespace {

/// The answer to an ordinary request, or that with an event stream.
http::Response answer(http::Headers headers, const Terms& terms = {}, bool is_stream = false,
                      const RouteOptions& route = {}) {
  return make_answer(route, {.status = 200, .headers = std::move(headers)}, terms, is_stream);
}
http::Response stream(http::Headers headers, const Terms& terms = {}) {
  return answer(std::move(headers), terms, true);
}

std::string field(const http::Response& response, std::string_view name) {
  return response.headers.joined(name).value_or("-");
}

bool is_stream(int status, http::Headers headers) {
  return is_event_stream({.status = status, .headers = std::move(headers)});
}

/// What http::Cors adds for an origin that is listed.
Terms with_cors() {
  Terms terms;
  terms.answer_headers = {{"vary", "origin"}, {"access-control-allow-origin", "https://a.example"}};
  return terms;
}

TEST_SUITE("an event stream") {
  TEST_CASE("is a 200 of text/event-stream, in any case, with any parameters, not compressed") {
    CHECK(is_stream(200, {{"content-type", "text/event-stream"}}));
    CHECK(is_stream(200, {{"content-type", "Text/Event-Stream; charset=\"utf-8\""}}));
    CHECK(is_stream(200, {{"content-type", "text/event-stream ;x"}}));
    CHECK(
        is_stream(200, {{"content-type", "text/event-stream"}, {"content-encoding", "identity"}}));
    CHECK_FALSE(
        is_stream(200, {{"content-type", "text/event-stream"}, {"content-encoding", "br"}}));
    CHECK_FALSE(is_stream(200, {{"content-type", "text/event-streams"}}));
    CHECK_FALSE(is_stream(200, {{"content-type", "application/json"}}));
    CHECK_FALSE(is_stream(200, {}));
    CHECK_FALSE(is_stream(404, {{"content-type", "text/event-stream"}}));
    CHECK_FALSE(is_stream(206, {{"content-type", "text/event-stream"}}));
  }

  TEST_CASE("is neither stored, changed, held back nor guessed at") {
    const auto head = stream({{"content-type", "text/event-stream;charset=utf-8"},
                              {"cache-control", "private, max-age=60"},
                              {"x-accel-buffering", "yes"},
                              {"digest", "x"},
                              {"content-range", "bytes 0-1/2"}});
    CHECK(field(head, "content-type") == "text/event-stream;charset=utf-8");
    CHECK(field(head, "cache-control") == "no-cache, no-transform");
    CHECK(field(head, "x-accel-buffering") == "no");
    CHECK(field(head, "x-content-type-options") == "nosniff");
    CHECK(field(head, "digest") == "-");
    CHECK(field(head, "content-range") == "-");
    CHECK(field(stream({{"cache-control", "private, No-Store"}}), "cache-control") ==
          "no-store, no-transform");
  }

  TEST_CASE("may begin before its upstream's answer") {
    Terms terms = with_cors();
    terms.request_id = "r1";
    RouteOptions route;
    route.set_response_headers = {{"x-served-by", "edge"}};
    const auto head = early_head(route, terms);
    CHECK(is_event_stream(head));
    CHECK(field(head, "cache-control") == "no-cache, no-transform");
    CHECK(field(head, "x-accel-buffering") == "no");
    CHECK(field(head, "x-request-id") == "r1");
    CHECK(field(head, "vary") == "origin");
    CHECK(field(head, "access-control-allow-origin") == "https://a.example");
    CHECK(field(head, "x-served-by") == "edge");
  }
}

TEST_SUITE("the answer to the client") {
  TEST_CASE("is the application's: status, cookies, caching and links") {
    const auto head = answer({{"set-cookie", "a=1"},
                              {"set-cookie", "b=2"},
                              {"cache-control", "max-age=60"},
                              {"content-encoding", "br"},
                              {"etag", "\"x\""},
                              {"digest", "x"},
                              {"location", "/y"}});
    CHECK(head.status == 200);
    CHECK(head.headers.size() == 7);
    CHECK(field(head, "set-cookie") == "a=1, b=2");
    CHECK(make_answer({}, {.status = 418, .headers = {}}, {}, false).status == 418);
  }

  TEST_CASE("has nothing of the upstream's connection, framing or other addresses") {
    for (const char* name :
         {"connection", "content-length", "keep-alive", "proxy-authenticate", "proxy-connection",
          "te", "trailer", "transfer-encoding", "upgrade", "alt-svc", "sluice-stream-id"}) {
      CAPTURE(name);
      CHECK(field(answer({{name, "x"}}), name) == "-");
      CHECK(field(stream({{name, "x"}}), name) == "-");
    }
    RouteOptions route;
    route.set_response_headers = {{"content-length", "5"}, {"x", "y"}};
    CHECK(field(answer({}, {}, false, route), "content-length") == "-");
  }

  TEST_CASE("carries the request's id, which is ours to say") {
    Terms terms;
    terms.request_id = "r1";
    CHECK(field(answer({{"x-request-id", "theirs"}}, terms), "x-request-id") == "r1");
  }

  TEST_CASE("lets pages read it as the application says, unless the route has its own rules") {
    const http::Headers theirs{{"access-control-allow-origin", "*"},
                               {"access-control-expose-headers", "x"},
                               {"vary", "Accept-Encoding"}};
    CHECK(field(answer(theirs), "access-control-allow-origin") == "*");
    CHECK(field(answer(theirs), "vary") == "Accept-Encoding");
    const auto ours = answer(theirs, with_cors());
    CHECK(field(ours, "access-control-allow-origin") == "https://a.example");
    CHECK(field(ours, "access-control-expose-headers") == "-");
    CHECK(field(ours, "vary") == "Accept-Encoding, origin");
    Terms refused;
    refused.answer_headers = {{"vary", "origin"}};
    CHECK(field(answer(theirs, refused), "access-control-allow-origin") == "-");
  }

  TEST_CASE("names in `vary` are said once; \"*\" says all") {
    CHECK(field(answer({{"vary", "Origin"}, {"vary", "accept"}}, with_cors()), "vary") ==
          "Origin, accept");
    CHECK(field(answer({{"vary", "*"}}, with_cors()), "vary") == "*");
  }

  TEST_CASE("gets what the gateway sets instead of the upstream's") {
    Terms terms;
    terms.answer_headers = {{"x-a", "1"}, {"x-a", "2"}};
    CHECK(field(answer({{"x-a", "theirs"}, {"access-control-allow-origin", "*"}}, terms), "x-a") ==
          "1, 2");
    CHECK(field(answer({{"access-control-allow-origin", "*"}}, terms),
                "access-control-allow-origin") == "*");
  }

  TEST_CASE("loses and gets fields as the route says, last of all") {
    RouteOptions route;
    route.remove_response_headers = {"server", "x-powered-by"};
    route.set_response_headers = {{"cache-control", "private"}, {"strict-transport-security", "x"}};
    const auto head = answer({{"server", "s"}, {"x-powered-by", "p"}}, {}, true, route);
    CHECK(field(head, "server") == "-");
    CHECK(field(head, "x-powered-by") == "-");
    CHECK(field(head, "cache-control") == "private");
    CHECK(field(head, "strict-transport-security") == "x");
  }
}

}  // namespace
}  // namespace sluice::relay
