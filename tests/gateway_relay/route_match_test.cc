#include "gateway/relay/route_match.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/relay/path.h"

namespace sluice::relay {
namespace {

using Index = std::optional<std::size_t>;
constexpr Index kNone = std::nullopt;

RouteOptions path_route(std::string path) {
  RouteOptions route;
  route.path = std::move(path);
  return route;
}
RouteOptions host_route(std::vector<std::string> hosts, std::string path = "/*") {
  RouteOptions route = path_route(std::move(path));
  route.hosts = std::move(hosts);
  return route;
}

http::Request get(std::string path, std::string authority = "example.org") {
  return {.method = "GET",
          .scheme = "https",
          .authority = std::move(authority),
          .path = std::move(path)};
}

Index match(const std::vector<RouteOptions>& routes, const http::Request& request) {
  return RouteMatch(routes).match(request);
}

TEST_SUITE("a route") {
  TEST_CASE("the first that fits takes the request") {
    const std::vector<RouteOptions> routes{path_route("/app/events"), path_route("/app/*"),
                                           path_route("/*")};
    CHECK(match(routes, get("/app/events")) == 0);
    CHECK(match(routes, get("/app/events/")) == 1);
    CHECK(match(routes, get("/app/")) == 1);
    CHECK(match(routes, get("/app")) == 2);
    CHECK(match(routes, get("/")) == 2);
    CHECK(match({}, get("/")) == kNone);
  }

  TEST_CASE(
      "\"/app/*\" takes all below /app/, \"/app*\" all that begins so, else a path is exact") {
    CHECK(match({path_route("/app/*")}, get("/app")) == kNone);
    CHECK(match({path_route("/app*")}, get("/app")) == 0);
    CHECK(match({path_route("/app*")}, get("/apple")) == 0);
    CHECK(match({path_route("/app")}, get("/app/")) == kNone);
    CHECK(match({path_route("/app")}, get("/App")) == kNone);
    CHECK(match({path_route("/*")}, get("*")) == kNone);
  }

  TEST_CASE("is not got round by escapes of letters") {
    const std::vector<RouteOptions> routes{path_route("/admin/*"), path_route("/*")};
    CHECK(match(routes, get("/%61dm%69n/x")) == 0);
    CHECK(match(routes, get("/%2561dmin/x")) == 1);
    CHECK(match(routes, get("/admin%2fx")) == 1);  // Which RelaySite then refuses.
  }

  TEST_CASE("may be of some hosts, in any case and whatever the port") {
    const std::vector<RouteOptions> routes{host_route({"a.example", "*.b.example"}),
                                           host_route({"[::1]", "192.0.2.1"})};
    CHECK(match(routes, get("/", "a.example")) == 0);
    CHECK(match(routes, get("/", "A.Example.:8443")) == 0);
    CHECK(match(routes, get("/", "x.b.example")) == 0);
    CHECK(match(routes, get("/", "x.y.b.example:1")) == 0);
    CHECK(match(routes, get("/", "b.example")) == kNone);
    CHECK(match(routes, get("/", "xb.example")) == kNone);
    CHECK(match(routes, get("/", ".b.example")) == kNone);
    CHECK(match(routes, get("/", "[::1]")) == 1);
    CHECK(match(routes, get("/", "[::1]:8443")) == 1);
    CHECK(match(routes, get("/", "192.0.2.1:80")) == 1);
    CHECK(match(routes, get("/", "")) == kNone);
  }

  TEST_CASE("may be of some methods, and of requests with some fields") {
    RouteOptions route = path_route("/*");
    route.methods = {"GET", "POST"};
    route.match_headers = {{"accept", "text/event-stream"}, {"mcp-method", "*"}};
    http::Request request = get("/");
    request.headers = {{"accept", "text/event-stream"}, {"mcp-method", "subscriptions/listen"}};
    CHECK(match({route}, request) == 0);
    request.method = "DELETE";
    CHECK(match({route}, request) == kNone);
    request.method = "POST";
    request.headers.set("accept", "text/html");
    CHECK(match({route}, request) == kNone);
    request.headers.add("accept", "text/event-stream");
    CHECK(match({route}, request) == 0);
    request.headers.remove("mcp-method");
    CHECK(match({route}, request) == kNone);
  }
}

TEST_SUITE("a host") {
  TEST_CASE("is known when a route may take it, whatever the path, or when no route asks for one") {
    const std::vector<RouteOptions> open{path_route("/app/*")};
    CHECK(RouteMatch(open).knows_host("anything"));
    const std::vector<RouteOptions> routes{host_route({"a.example"}, "/x"),
                                           host_route({"*.b.example"})};
    CHECK(RouteMatch(routes).knows_host("A.example:444"));
    CHECK(RouteMatch(routes).knows_host("x.b.example"));
    CHECK_FALSE(RouteMatch(routes).knows_host("c.example"));
    std::vector<RouteOptions> mixed = routes;
    mixed.push_back(path_route("/health"));
    CHECK(RouteMatch(mixed).knows_host("c.example"));
  }
}

TEST_SUITE("a path") {
  TEST_CASE("is compared without escapes of characters that need none") {
    CHECK(canonical_path("/%41%7a%30%2D%2e%5F%7E%3b") == "/Az0-._~;");
    CHECK(canonical_path("/%2f%5c%25%20%7f%0a") == "/%2F%5C%25%20%7F%0A");
    CHECK(canonical_path("/%c3%A9") == "/\xc3\xa9");
    CHECK(canonical_path("") == "");
  }

  TEST_CASE("gets no escape from what the one behind a lone '%' becomes") {
    CHECK(canonical_path("/%zz%4%") == "/%25zz%254%25");
    CHECK(canonical_path("/%%32f%2%66") == "/%252f%252f");
    CHECK(canonical_path(canonical_path("/%%32e%25")) == canonical_path("/%%32e%25"));
  }

  TEST_CASE("is read by some with slashes where others see escapes") {
    const auto read = [](std::string_view path) { return path_with_slashes(canonical_path(path)); };
    CHECK(read("/a%2fb%5cc%2F") == "/a/b/c/");
    CHECK(read("/%252fa%%2f") == "/%252fa%25/");
    CHECK(read("") == "");
    CHECK(has_escaped_slash("/a%5Cb"));
    CHECK_FALSE(has_escaped_slash("/a%252fb/%2"));
  }

  TEST_CASE("is read by some without parameters, and with one slash for several") {
    CHECK(path_without_parameters("//a;x/b") == "/a/b");
    CHECK(path_without_parameters("/a;x;y=1/;z/b") == "/a/b");
    CHECK(path_without_parameters("/a/b") == "/a/b");
    CHECK(path_without_parameters("") == "");
  }

  TEST_CASE("gives what the pattern's \"*\" stands for") {
    CHECK(match_path("/app/*", "/app/x/y") == "x/y");
    CHECK(match_path("/app/*", "/app/") == "");
    CHECK(match_path("/app", "/app") == "");
    CHECK(match_path("/app/*", "/ap") == std::nullopt);
    CHECK(match_path("/app", "/app/") == std::nullopt);
    CHECK(match_path("/caf%C3%A9/*", "/c%61f%c3%a9/%61") == "%61");
    CHECK(match_path("/100%/*", "/100%25/x") == "x");
    CHECK(match_path("/*", "x") == std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::relay
