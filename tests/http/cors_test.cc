#include "gateway/http/cors.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::http {
namespace {

Request request_from(const std::string& origin) {
  Request request{.method = "GET", .path = "/events/a"};
  if (!origin.empty()) request.headers.add("origin", origin);
  return request;
}

Request preflight_from(const std::string& origin) {
  Request request = request_from(origin);
  request.method = "OPTIONS";
  request.headers.add("access-control-request-method", "GET");
  return request;
}

Cors cors_for(std::vector<std::string> origins) {
  return Cors({.origins = std::move(origins)});
}

std::string value(const Headers& headers, std::string_view name) {
  return headers.joined(name).value_or("none");
}

TEST_SUITE("Cors") {
  TEST_CASE("who may read an answer, and with credentials") {
    struct Row {
      std::vector<std::string> listed;
      std::string origin;
      std::string allowed;
      std::string credentials;
    };
    const std::string app = "https://app.example";
    const std::vector<Row> rows{
        {{app}, app, app, "true"},
        {{app}, "https://other.example", "none", "none"},
        {{app}, "http://app.example", "none", "none"},
        {{app}, "https://app.example:8443", "none", "none"},
        {{app}, "https://app.example.evil.test", "none", "none"},
        {{app}, "null", "none", "none"},
        {{app}, "", "none", "none"},
        {{"*"}, app, "*", "none"},
        {{"*"}, "null", "*", "none"},
        {{"*"}, "*", "*", "none"},
        {{"*"}, "", "none", "none"},
        {{"*", app}, app, app, "true"},
        {{"*", app}, "https://other.example", "*", "none"},
        {{}, app, "none", "none"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.origin);
      Headers answer;
      cors_for(row.listed).add_fields(request_from(row.origin), answer);
      CHECK(value(answer, "access-control-allow-origin") == row.allowed);
      CHECK(value(answer, "access-control-allow-credentials") == row.credentials);
      CHECK(value(answer, "access-control-expose-headers") ==
            (row.allowed == "none"
                 ? "none"
                 : "last-event-id, mercure-last-event-id, link, idempotent-replayed"));
      CHECK(value(answer, "vary") == "origin");
    }
  }

  TEST_CASE("only OPTIONS that asks for a method is a preflight") {
    CHECK(Cors::is_preflight(preflight_from("https://app.example")));
    CHECK_FALSE(Cors::is_preflight(request_from("https://app.example")));
    Request plain = request_from("https://app.example");
    plain.method = "OPTIONS";
    CHECK_FALSE(Cors::is_preflight(plain));
  }

  TEST_CASE("a preflight of a listed origin learns what it may send, and for how long") {
    const Cors cors({.origins = {"https://app.example"}, .max_age = std::chrono::minutes(10)});
    const Response response = cors.preflight(preflight_from("https://app.example"));
    CHECK(response.status == 204);
    CHECK(value(response.headers, "access-control-allow-origin") == "https://app.example");
    CHECK(value(response.headers, "access-control-allow-credentials") == "true");
    CHECK(value(response.headers, "access-control-allow-methods") == "GET, HEAD, POST, QUERY");
    CHECK(value(response.headers, "access-control-allow-headers") ==
          "authorization, cache-control, content-type, last-event-id, idempotency-key, "
          "prefer, x-requested-with");
    CHECK(value(response.headers, "access-control-max-age") == "600");
  }

  TEST_CASE("a preflight of a stranger learns nothing") {
    const Response response =
        cors_for({"https://app.example"}).preflight(preflight_from("https://evil.test"));
    CHECK(response.status == 204);
    CHECK(response.headers.size() == 1);
    CHECK(value(response.headers, "vary") == "origin");
  }
}

}  // namespace
}  // namespace sluice::http
