#include "gateway/relay/request_head.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::relay {
namespace {

RouteOptions route(std::string path = "/*") {
  RouteOptions options;
  options.path = std::move(path);
  return options;
}

http::Request get(std::string path, http::Headers headers = {}) {
  return {.method = "GET",
          .scheme = "https",
          .authority = "app.example",
          .path = std::move(path),
          .headers = std::move(headers)};
}

/// From 192.0.2.1, directly.
Terms terms() {
  Terms result;
  result.forwarded = {.client = "192.0.2.1",
                      .scheme = "https",
                      .host = "app.example",
                      .hops = {},
                      .peer = "192.0.2.1"};
  result.request_id = "r1";
  return result;
}

http::Outgoing sent(const RouteOptions& options, const http::Request& request,
                    const Terms& how = terms()) {
  auto outgoing = make_request(options, request, how);
  REQUIRE(outgoing.has_value());
  return std::move(*outgoing);
}

/// The value of a field as the upstream gets it; "-": it gets none.
std::string field(const http::Outgoing& outgoing, std::string_view name) {
  return outgoing.head.headers.joined(name).value_or("-");
}

/// 0: the request goes on.
int refusal(const RouteOptions& options, const http::Request& request) {
  const auto outgoing = make_request(options, request, terms());
  return outgoing ? 0 : outgoing.error().status;
}

TEST_SUITE("the request to the upstream") {
  TEST_CASE("a client's certificate is told, and none that the client made up") {
    const http::Request request = get("/", {{"x-forwarded-client-cert", "Subject=\"CN=root\""},
                                            {"client-cert", ":AAAA:"},
                                            {"client-cert-chain", ":AAAA:"}});
    for (const char* name : {"x-forwarded-client-cert", "client-cert", "client-cert-chain"}) {
      CHECK(field(sent(route(), request), name) == "-");
    }
    Terms shown = terms();
    shown.certificate = std::make_shared<const PeerCertificate>(
        PeerCertificate{.subject = "CN=a\\,\"b\"",
                        .dns = {"app.internal", "a;b"},
                        .uris = {"spiffe://example/app", "x:\"y\""},
                        .emails = {"a@b.example"}});
    CHECK(field(sent(route(), request, shown), "x-forwarded-client-cert") ==
          "Subject=\"CN=a\\\\,\\\"b\\\"\";URI=spiffe://example/"
          "app;URI=\"x:\\\"y\\\"\";DNS=app.internal"
          ";DNS=\"a;b\"");
  }

  TEST_CASE("method, path, query and the application's own fields go on as they came") {
    http::Request request = get("/a%20b/%E2%82%AC;v=1", {{"authorization", "Bearer t"},
                                                         {"last-event-id", "\xc3\xa9-7"},
                                                         {"accept", "application/json"},
                                                         {"accept-encoding", "gzip"},
                                                         {"mcp-session-id", "s"},
                                                         {"x", "1"},
                                                         {"x", "2"}});
    request.method = "PATCH";
    request.query = "q=%0d%0a%00&r=../x";
    const auto outgoing = sent(route(), request);
    CHECK(outgoing.head.method == "PATCH");
    CHECK(outgoing.head.path == "/a%20b/%E2%82%AC;v=1");
    CHECK(outgoing.head.query == "q=%0d%0a%00&r=../x");
    CHECK(field(outgoing, "authorization") == "Bearer t");
    CHECK(field(outgoing, "last-event-id") == "\xc3\xa9-7");
    CHECK(field(outgoing, "accept-encoding") == "gzip");
    CHECK(field(outgoing, "mcp-session-id") == "s");
    CHECK(field(outgoing, "x") == "1, 2");
  }

  TEST_CASE("Host is the authority that was asked, or the route's") {
    CHECK(sent(route(), get("/")).head.authority == "app.example");
    RouteOptions own = route();
    own.host = "inner.example:81";
    CHECK(sent(own, get("/")).head.authority == "inner.example:81");
    CHECK_FALSE(sent(own, get("/", {{"host", "evil"}})).head.headers.has("host"));
    http::Request without = get("/");
    without.authority.clear();
    CHECK(refusal(route(), without) == 400);
    CHECK(refusal(own, without) == 0);
  }

  TEST_CASE("what speaks of connections, of proxies and of the gateway does not go on") {
    for (const char* name :
         {"connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
          "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
          "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "sluice-stream-id",
          "sluice-anything"}) {
      CAPTURE(name);
      CHECK(field(sent(route(), get("/", {{name, "1"}})), name) == "-");
      RouteOptions sets = route();
      sets.set_request_headers = {{name, "1"}};
      CHECK(field(sent(sets, get("/")), name) == "-");
    }
  }

  TEST_CASE("a trace goes on as it came, valid or not, and none is invented") {
    for (const char* parent :
         {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "what", ""}) {
      const auto outgoing =
          sent(route(), get("/", {{"traceparent", parent}, {"tracestate", "a=1,b=2"}}));
      CHECK(field(outgoing, "traceparent") == parent);
      CHECK(field(outgoing, "tracestate") == "a=1,b=2");
    }
    CHECK(field(sent(route(), get("/")), "traceparent") == "-");
  }

  TEST_CASE("a name with '_' does not go on: some applications take it for one with '-'") {
    const auto outgoing = sent(route(), get("/", {{"x_forwarded_for", "1.1.1.1"}, {"x_y", "z"}}));
    CHECK(field(outgoing, "x_forwarded_for") == "-");
    CHECK(field(outgoing, "x_y") == "-");
  }

  TEST_CASE("the crumbs of a cookie become one field") {
    const auto outgoing =
        sent(route(), get("/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}));
    CHECK(field(outgoing, "cookie") == "a=1; b=2");
  }

  TEST_CASE("who asks is told by us alone, in every form that applications read") {
    const auto outgoing = sent(route(), get("/", {{"x-forwarded-for", "1.1.1.1"},
                                                  {"x-forwarded-proto", "gopher"},
                                                  {"x-forwarded-host", "evil"},
                                                  {"x-forwarded-user", "root"},
                                                  {"x-forwarded-prefix", "/evil"},
                                                  {"forwarded", "for=1.1.1.1"},
                                                  {"x-real-ip", "1.1.1.1"},
                                                  {"x-request-id", "evil"}}));
    CHECK(field(outgoing, "x-forwarded-for") == "192.0.2.1");
    CHECK(field(outgoing, "x-forwarded-proto") == "https");
    CHECK(field(outgoing, "x-forwarded-host") == "app.example");
    CHECK(field(outgoing, "x-forwarded-user") == "-");
    CHECK(field(outgoing, "x-forwarded-prefix") == "-");
    CHECK(field(outgoing, "forwarded") == "for=192.0.2.1;proto=https;host=\"app.example\"");
    CHECK(field(outgoing, "x-real-ip") == "192.0.2.1");
    CHECK(field(outgoing, "x-request-id") == "r1");
  }

  TEST_CASE("behind trusted proxies the chain is told from the client to our peer") {
    Terms how = terms();
    how.forwarded.client = "2001:db8::1";
    how.forwarded.hops = {"10.0.0.3"};
    how.forwarded.peer = "local";
    const auto outgoing = sent(route(), get("/"), how);
    CHECK(field(outgoing, "x-forwarded-for") == "2001:db8::1, 10.0.0.3, local");
    CHECK(field(outgoing, "forwarded") ==
          "for=\"[2001:db8::1]\";proto=https;host=\"app.example\", for=10.0.0.3, for=unknown");
    CHECK(field(outgoing, "x-real-ip") == "2001:db8::1");
  }

  TEST_CASE("a body's length goes apart; without one it is sent in pieces") {
    http::Request request = get("/", {{"content-length", "5"}});
    request.method = "POST";
    CHECK_FALSE(sent(route(), request).body_length.has_value());
    request.has_body = true;
    CHECK(sent(route(), request).body_length == 5);
    CHECK(sent(route(), request).head.has_body);
    request.headers.remove("content-length");
    CHECK_FALSE(sent(route(), request).body_length.has_value());
    request.headers.set("content-length", "5x");
    CHECK(refusal(route(), request) == 400);
  }

  TEST_CASE("a body that is known to be too large is refused at once") {
    RouteOptions small = route();
    small.max_request_bytes = 10;
    http::Request request = get("/", {{"content-length", "10"}});
    request.has_body = true;
    CHECK(refusal(small, request) == 0);
    request.headers.set("content-length", "11");
    CHECK(refusal(small, request) == 413);
  }

  TEST_CASE("streams that the relay has to read are asked for uncompressed") {
    const http::Headers streams{{"accept", "text/html, Text/Event-Stream;q=0.9"},
                                {"accept-encoding", "gzip, br"}};
    CHECK(field(sent(route(), get("/", streams)), "accept-encoding") == "identity");
    const http::Headers plain{{"accept", "*/*"}, {"accept-encoding", "gzip, br"}};
    CHECK(field(sent(route(), get("/", plain)), "accept-encoding") == "gzip, br");
    CHECK(field(sent(route(), get("/")), "accept-encoding") == "-");
    RouteOptions shared = route();
    shared.share.enabled = true;
    CHECK(field(sent(shared, get("/", plain)), "accept-encoding") == "identity");
    RouteOptions replayed = route();
    replayed.replay.enabled = true;
    CHECK(field(sent(replayed, get("/", plain)), "accept-encoding") == "identity");
  }

  TEST_CASE("the route takes fields away and sets others, after the call-out") {
    RouteOptions options = route();
    options.remove_request_headers = {"cookie", "x-real-ip"};
    options.set_request_headers = {{"x-key", "secret"}, {"x-user", "fixed"}};
    Terms how = terms();
    how.upstream_headers = {{"x-user", "ann"},
                            {"x-role", "a"},
                            {"x-role", "b"},
                            {"x-team", ""},
                            {"content-length", "9"}};
    const auto outgoing = sent(
        options,
        get("/", {{"cookie", "a"}, {"x-role", "root"}, {"x-team", "root"}, {"x-key", "guess"}}),
        how);
    CHECK(field(outgoing, "cookie") == "-");
    CHECK(field(outgoing, "x-real-ip") == "-");
    CHECK(field(outgoing, "x-key") == "secret");
    CHECK(field(outgoing, "x-user") == "fixed");
    CHECK(field(outgoing, "x-role") == "a, b");
    CHECK(field(outgoing, "x-team") == "-");
    CHECK(field(outgoing, "content-length") == "-");
  }

  TEST_CASE("TRACE would show a page its own cookies") {
    http::Request trace = get("/");
    trace.method = "TRACE";
    CHECK(refusal(route(), trace) == 501);
  }
}

TEST_SUITE("the path to the upstream") {
  TEST_CASE("a prefix is taken off and told, a rewrite moves what the route's \"*\" took") {
    struct Row {
      const char *pattern, *strip, *rewrite, *path, *sent;
    };
    const std::vector<Row> table{
        {"/app/*", "", "", "/app/x", "/app/x"},
        {"/app/*", "/app", "", "/app/x/y", "/x/y"},
        {"/app/*", "/app", "", "/app/", "/"},
        {"/app*", "/app", "", "/app", "/"},
        {"/app/*", "/app/", "", "/app/x", "/x"},
        {"/app/*", "/app", "", "/%61pp/x%20y", "/x%20y"},
        {"/app/*", "/app", "", "/app//evil.example/x", "/evil.example/x"},
        {"/app/*", "", "/v2/*", "/app/x/y", "/v2/x/y"},
        {"/app/*", "", "/v2/*", "/app/", "/v2/"},
        {"/app/*", "", "/*", "/app//evil.example/x", "/evil.example/x"},
        {"/app*", "/app", "", "/app%2fevil.example/x", "/evil.example/x"},
        {"/app*", "", "/*", "/app%5cevil.example/x", "/evil.example/x"},
        {"/app/*", "/app", "", "/app/%41%%32f%zz", "/%41%%32f%zz"},
        {"/caf%C3%A9/*", "/caf%C3%A9", "", "/caf%c3%a9/x", "/x"},
        {"/caf%C3%A9/*", "", "/cafe/*", "/caf%c3%a9/x", "/cafe/x"},
        {"/app/*", "", "/one", "/app/x", "/one"},
        {"/app", "", "/v2/*", "/app", "/v2/"},
    };
    for (const Row& row : table) {
      CAPTURE(row.path);
      CAPTURE(row.sent);
      RouteOptions options = route(row.pattern);
      options.strip_prefix = row.strip;
      options.rewrite = row.rewrite;
      const auto outgoing = sent(options, get(row.path));
      CHECK(outgoing.head.path == row.sent);
      CHECK(field(outgoing, "x-forwarded-prefix") == (*row.strip != 0 ? row.strip : "-"));
    }
  }

  TEST_CASE("what may lead out of a route is refused where a route takes more than one path") {
    for (const char* path :
         {"/app/../admin", "/app/..", "/app/.", "/app/./x", "/app/%2e%2e/admin", "/app/.%2E/admin",
          "/app/%2e", "/app/..;/admin", "/app/..;a=b/admin", "/app/%2e%2e;/x", "/app/..%2fadmin",
          "/app/x%2F..", "/app/..%5cadmin", "/app/x%5C.%2e%5Cy", "/app/x%2f..;/y"}) {
      CAPTURE(path);
      CHECK(refusal(route("/app/*"), get(path)) == 400);
      CHECK(refusal(route("/*"), get(path)) == 400);
      CHECK(refusal(route(path), get(path)) == 0);
      RouteOptions rewritten = route(path);
      rewritten.rewrite = "/x";
      CHECK(refusal(rewritten, get(path)) == 400);
    }
  }

  TEST_CASE("so is what only a prefix or a rewriting makes so") {
    RouteOptions rewritten = route("/app*");
    rewritten.rewrite = "/v2/*";
    for (const char* path : {"/app../x", "/app..%2fx", "/app%2fx", "/app%2e%2e/x"}) {
      CAPTURE(path);
      CHECK(refusal(route("/app*"), get(path)) == 0);
      CHECK(refusal(rewritten, get(path)) == 400);
    }
    RouteOptions stripped = route("/app/*");
    stripped.strip_prefix = "/app";
    CHECK(refusal(stripped, get("/app/;x/admin")) == 400);
    CHECK(refusal(stripped, get("/app/%3bx/admin")) == 400);
  }

  TEST_CASE("so is an escaped slash that makes an empty segment, or ends a parameter") {
    for (const char* path : {"/app/%2fx", "/app/x%2f/y", "/app/x%2F%5cy", "/app/x;a%2fy",
                             "/app/x%2f%2f", "/%5capp/x"}) {
      CAPTURE(path);
      CHECK(refusal(route("/*"), get(path)) == 400);
      CHECK(refusal(route(path), get(path)) == 0);
    }
  }

  TEST_CASE("dots and escapes that mean nothing else pass") {
    for (const char* path :
         {"/app/a..b", "/app/...", "/app/.well-known/x", "/app/..a", "/app/a.", "/app/%252e%252e/",
          "/app/%252f", "/app/%zz%", "/app/%7Euser", "/app//x", "/app/@scope%2fpackage",
          "/app/projects/a%2Fb%2Fc/jobs", "/app/x%5cy", "/app/x%2f", "/app/..a%2f.b"}) {
      CAPTURE(path);
      CHECK(sent(route("/app/*"), get(path)).head.path == path);
    }
    RouteOptions stripped = route("/npm/*");
    stripped.strip_prefix = "/npm";
    CHECK(sent(stripped, get("/npm/@scope%2fpackage")).head.path == "/@scope%2fpackage");
  }

  TEST_CASE("escaped NUL, CR and LF are refused on every route, and so is what is no path") {
    for (const char* path : {"/a%00", "/a%0d%0aX:1", "/%0A", "/%0D", "*", "", "a"}) {
      CAPTURE(path);
      CHECK(refusal(route("/*"), get(path)) == 400);
      CHECK(refusal(route(path), get(path)) == 400);
    }
  }
}

}  // namespace
}  // namespace sluice::relay
