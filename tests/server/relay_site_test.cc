#include "gateway/server/relay_site.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/base64.h"
#include "gateway/http/answers.h"
#include "gateway/server/gate.h"
#include "gateway/server/shared.h"
#include "tests/server/publish_fakes.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSecret = "a-secret-of-32-bytes-or-more-for-it";

/// Answers "hello" and keeps what it was given.
struct FakeRelay {
  struct Opened {
    std::size_t route = 0;
    http::Request request;
    relay::Terms terms;
  };
  /// Open as long as it is not answered.
  struct Question final : relay::Asking {
    explicit Question(int& open) : open_(open) { ++open_; }
    ~Question() override { --open_; }
    int& open_;
  };

  struct Silent final : http::Answer {
    void on_body(std::string_view) override {}
    void on_body_end() override {}
    Ready ready(std::size_t) override { return {}; }
    void take(std::span<std::byte>) override {}
  };

  RelaySite::Doors doors() {
    return {
        .retry = retry,
        .open = [this](std::size_t route, const http::Request& request, http::Exchange& exchange,
                       relay::Terms terms) -> std::unique_ptr<http::Answer> {
          opened.push_back({route, request, std::move(terms)});
          if (!is_slow) return http::reply(exchange, {200, {}}, "hello");
          inside = &exchange;
          return std::make_unique<Silent>();
        },
        .ask =
            [this](const AuthCallOptions&, http::Outgoing question, relay::AuthRequest::Done done) {
              asked.push_back(std::move(question));
              answer = std::move(done);
              return std::make_unique<Question>(questions);
            },
        .counters = [this](std::size_t route) -> relay::RouteCounters& { return counters[route]; }};
  }

  /// The upstream's answer comes, and is an event stream: it passes if there is room.
  void answer_with_events() {
    relay::Terms& terms = opened.back().terms;
    instead = terms.admit(terms.lease);
    if (instead != nullptr) return;
    inside->respond({200, {{"content-type", "text/event-stream"}}}, http::Kind::event_stream, {});
  }

  RetryOptions retry;
  bool is_slow = false;  ///< Does not answer by itself.
  http::Exchange* inside = nullptr;
  std::unique_ptr<http::Answer> instead;
  std::map<std::size_t, relay::RouteCounters> counters;  ///< By route.
  std::vector<Opened> opened;
  std::vector<http::Outgoing> asked;
  relay::AuthRequest::Done answer;
  int questions = 0;
};

/// A site with the routes of a configuration; routes go to http://app.
struct Fixture {
  explicit Fixture(const std::string& routes)
      : config(config_of(routes)),
        shared(config, clock, journal),
        site(shared, *shared.routes, counters, relay.doors()) {
    shared.totals = [this] {
      return Totals{.connections = 0, .streams = streams, .deliveries = 0};
    };
  }

  static Config config_of(const std::string& routes) {
    auto config = parse("[[listen]]\naddress = \"127.0.0.1:0\"\ntls = false\n" + routes, "f");
    if (!config) FAIL(to_string(config.error().front()));
    return std::move(*config);
  }

  /// The status; 0: no route takes it, or it is not answered yet.
  int open(const http::Request& request, std::size_t hub_path = 0) {
    exchange = std::make_unique<FakeExchange>();
    answer = site.open(request, *exchange, hub_path);
    return exchange->head.status;
  }
  std::string field(const char* name) const {
    return exchange->head.headers.joined(name).value_or("-");
  }
  const FakeRelay::Opened& last() const { return relay.opened.back(); }
  std::string body() {
    http::Answer& speaker = relay.instead != nullptr ? *relay.instead : *answer;
    const auto ready = speaker.ready(1000);
    std::string text(ready.bytes, ' ');
    speaker.take(std::as_writable_bytes(std::span(text)));
    return text;
  }

  ManualClock clock;
  FakeJournal journal;
  Config config;
  Shared shared;
  Counters counters;
  FakeRelay relay;
  std::uint64_t streams = 0;
  RelaySite site;
  std::unique_ptr<FakeExchange> exchange;
  std::unique_ptr<http::Answer> answer;
};

http::Request get(std::string path, http::Headers headers = {}) {
  const std::size_t mark = path.find('?');
  std::string query = mark == path.npos ? "" : path.substr(mark + 1);
  return {.method = "GET",
          .scheme = "https",
          .authority = "app.example",
          .path = path.substr(0, mark),
          .query = std::move(query),
          .headers = std::move(headers)};
}

http::Request events(std::string path, http::Headers headers = {}) {
  headers.add("accept", "text/event-stream");
  return get(std::move(path), std::move(headers));
}

std::string route(const std::string& path, const std::string& more = "") {
  return "[[route]]\nupstream = \"http://app\"\npath = \"" + path + "\"\n" + more;
}

std::string guarded(const std::string& path, const std::string& more = "") {
  return route(path, "token = \"required\"\nkeys = [{ secret = \"" + std::string(kSecret) +
                         "\" }]\n" + more);
}

std::string called(const std::string& path, const std::string& more = "") {
  return route(path, "auth_url = \"http://auth:9001/check?a=b\"\n" + more);
}

std::string token(const std::string& payload) {
  const auto key = auth::Key::of_secret(auth::Algorithm::hs256, kSecret).value();
  const std::string text =
      base64url_encode(R"({"alg":"HS256","typ":"JWT"})") + '.' + base64url_encode(payload);
  return text + '.' + base64url_encode(key.sign(text).value());
}

http::Headers bearer(const std::string& payload) {
  return {{"authorization", "Bearer " + token(payload)}};
}

std::string expiring(const Fixture& fixture, std::chrono::seconds in) {
  const auto at =
      std::chrono::duration_cast<std::chrono::seconds>(fixture.clock.wall().time_since_epoch()) +
      in;
  return R"({"sub":"s","exp":)" + std::to_string(at.count()) + "}";
}

relay::AuthAnswer allowed(http::Headers fields = {}, Millis age = 0s) {
  return {.kind = relay::AuthAnswer::Kind::allowed,
          .status = 200,
          .fields = std::move(fields),
          .body = {},
          .max_age = age};
}

TEST_SUITE("Routing") {
  TEST_CASE("the first route that fits takes a request") {
    Fixture fixture(route("/a/*", "name = \"first\"\n") + route("/*"));
    CHECK(fixture.open(get("/a/b")) == 200);
    CHECK(fixture.last().route == 0);
    CHECK(fixture.open(get("/b")) == 200);
    CHECK(fixture.last().route == 1);
  }

  TEST_CASE("what no route fits is nobody's") {
    Fixture fixture(route("/a/*"));
    CHECK(fixture.open(get("/b")) == 0);
    CHECK(fixture.answer == nullptr);
  }

  TEST_CASE("a route goes before the hub's path if it says as much of it or more") {
    Fixture fixture(route("/events/*") + route("/.well-known/*") + route("/events") + route("/*"));
    constexpr std::size_t kEvents = 8;  // "/events/"
    CHECK(fixture.open(get("/events/a"), kEvents) == 200);
    CHECK(fixture.open(get("/events"), 7) == 200);
    CHECK(fixture.open(get("/.well-known/mercure"), 20) == 0);
    CHECK(fixture.open(get("/other"), 0) == 200);
    CHECK(fixture.open(get("/anything"), 5) == 0);
  }

  TEST_CASE("hosts that no route names are told apart") {
    Fixture fixture(route("/*", "hosts = [\"app.example\"]\n"));
    CHECK(fixture.site.knows_host(get("/")));
    http::Request other = get("/");
    other.authority = "other.example";
    CHECK_FALSE(fixture.site.knows_host(other));
    CHECK(fixture.open(other) == 0);
  }

  TEST_CASE("a path that an application may read as a guarded one does not pass") {
    Fixture fixture(guarded("/admin/*") + route("/*"));
    for (const std::string path : {"//admin/x", "/admin;a=b/x", "/admin%3bx/y", "/;/admin/x",
                                   "/%3B/admin/x", "///admin//x"}) {
      CAPTURE(path);
      CHECK(fixture.open(get(path)) == 400);
    }
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.open(get("/a//b;c=d")) == 200);
    CHECK(fixture.open(get("/%61dmin/x")) == 401);
  }

  TEST_CASE("nor does one whose escaped slash would make another route of it, guarded or not") {
    Fixture fixture(route("/app/*") + route("/@scope%2fpackage") + route("/*"));
    CHECK(fixture.open(get("/app%2fx")) == 400);
    CHECK(fixture.open(get("/app%5Cx")) == 400);
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.open(get("/app/x%2fy")) == 200);
    CHECK(fixture.open(get("/projects/a%2Fb/jobs")) == 200);
    CHECK(fixture.open(get("/@scope%2fpackage")) == 200);
    http::Request preflight = get("/projects/a%2Fb", {{"origin", "https://a.example"},
                                                      {"access-control-request-method", "PUT"}});
    preflight.method = "OPTIONS";
    CHECK(fixture.open(preflight) == 200);
  }
}

TEST_SUITE("Terms of a relayed request") {
  TEST_CASE("it gets an id that nobody can guess, unless a trusted proxy has given it one") {
    Fixture fixture(route("/*"));
    fixture.open(get("/", {{"x-request-id", "mine"}}));
    const std::string first = fixture.last().terms.request_id;
    CHECK(first.size() == 32);
    fixture.open(get("/"));
    CHECK(fixture.last().terms.request_id != first);
  }

  TEST_CASE("clients without credentials have no principal, others have one of their own") {
    Fixture fixture(route("/*"));
    const auto principal = [&](http::Headers headers) {
      fixture.open(get("/", std::move(headers)));
      return fixture.last().terms.principal;
    };
    CHECK(principal({}).empty());
    CHECK(principal({{"cookie", "a=1"}}).size() == 32);
    CHECK(principal({{"cookie", "a=1"}}) == principal({{"cookie", "a=1"}}));
    CHECK(principal({{"cookie", "a=1"}}) != principal({{"cookie", "a=2"}}));
    CHECK(principal({{"cookie", "a=1"}}) != principal({{"authorization", "a=1"}}));
  }
}

TEST_SUITE("Token of a route") {
  TEST_CASE("refusals have the form of the route's errors, and a kind for programs") {
    constexpr const char* kForm = "errors = \"event\"\nunavailable = \"status\"\n";
    Fixture fixture(guarded("/token", kForm) + called("/ask", kForm) + route("/page", kForm));
    CHECK(fixture.open(get("/token")) == 401);
    CHECK(fixture.field("content-type") == "application/json");
    CHECK(fixture.field("www-authenticate") == "Bearer");
    CHECK(fixture.body().find("{\"error\":{\"status\":401,\"type\":\"unauthorized\",") == 0);
    fixture.open(get("/ask"));
    fixture.relay.answer(relay::auth_failure(503, "no", "it answered 500"));
    CHECK(fixture.body() ==
          "{\"error\":{\"status\":503,\"type\":\"auth_unavailable\",\"message\":\"no\"}}\n");
    CHECK(fixture.field("x-request-id").size() == 32);
    fixture.streams = fixture.config.limits.streams;
    http::Request post = events("/page");
    post.method = "POST";
    CHECK(fixture.open(post) == 503);
    CHECK(fixture.body().find("\"too_many_streams\"") != std::string::npos);
    CHECK(fixture.field("retry-after") == "5");
  }

  TEST_CASE("without one, 401 and a challenge") {
    Fixture fixture(guarded("/*"));
    CHECK(fixture.open(get("/")) == 401);
    CHECK(fixture.field("www-authenticate") == "Bearer");
    CHECK(fixture.relay.opened.empty());
  }

  TEST_CASE("who has none is told of every place where one may stand, and of no other") {
    const auto said = [](const std::string& hub) {
      Fixture fixture(guarded("/*") + hub);
      fixture.open(get("/"));
      return fixture.body();
    };
    CHECK(said("") ==
          "a token is needed here: authorization: Bearer TOKEN, ?authorization=TOKEN in the "
          "query, or the cookie mercureAuthorization or __Secure-mercure_access_token\n");
    CHECK(said("[hub]\nanonymous = true\nprotocol = \"1.0\"\npublic_url = "
               "\"https://hub.example/.well-known/mercure\"\ncookie_v1 = \"token\"\n") ==
          "a token is needed here: authorization: Bearer TOKEN, ?authorization=TOKEN in the "
          "query, or the cookie token\n");
  }

  TEST_CASE("what is refused for its token is a request of the route, and a token shown to it") {
    Fixture fixture(route("/open") + guarded("/*", "claims = { tenant = \"a\" }\n"));
    fixture.open(get("/open"));
    fixture.open(get("/"));
    fixture.open(get("/?authorization=x&authorization=x"));
    fixture.open(get("/", bearer(R"({"tenant":"b"})")));
    fixture.open(get("/", bearer(R"({"tenant":"a"})")));
    fixture.open(get("/", bearer(R"({"tenant":"a"})")));
    CHECK(fixture.relay.counters[0].requests.value() == 1);
    CHECK(fixture.relay.counters[1].requests.value() == 5);
    CHECK(fixture.relay.counters[1].denied.value() == 3);
    CHECK(fixture.shared.routes->lookups().misses == 2);
    CHECK(fixture.shared.routes->lookups().hits == 1);
  }

  TEST_CASE("with a good one it passes, and ends when that does") {
    Fixture fixture(guarded("/*"));
    CHECK(fixture.open(get("/", bearer(expiring(fixture, 60s)))) == 200);
    const relay::Terms& terms = fixture.last().terms;
    CHECK(terms.subject == "s");
    CHECK(terms.ends == fixture.clock.now() + 60s + 30s);  // hub.token_leeway
    CHECK(fixture.last().request.headers.has("authorization"));
  }

  TEST_CASE("one of another key is refused") {
    Fixture fixture(guarded("/*"));
    http::Headers headers = bearer("{}");
    headers.set("authorization", *headers.find("authorization") + "x");
    CHECK(fixture.open(get("/", headers)) == 401);
    CHECK(fixture.field("www-authenticate").find("invalid_token") != std::string::npos);
  }

  TEST_CASE("where it is optional, none will do, but none that is wrong") {
    Fixture fixture(route(
        "/*", "token = \"optional\"\nkeys = [{ secret = \"" + std::string(kSecret) + "\" }]\n"));
    CHECK(fixture.open(get("/")) == 200);
    CHECK(fixture.open(get("/", {{"authorization", "Basic abc"}})) == 200);
    CHECK(fixture.open(get("/", {{"authorization", "Bearer abc"}})) == 401);
  }

  TEST_CASE("claims that the route wants") {
    Fixture fixture(guarded("/*", "claims = { scope = \"read\", tenant = \"a\" }\n"));
    CHECK(fixture.open(get("/", bearer(R"({"scope":"x read","tenant":"a"})"))) == 200);
    CHECK(fixture.open(get("/", bearer(R"({"scope":"x","tenant":"a"})"))) == 403);
    CHECK(fixture.field("www-authenticate").find("insufficient_scope") != std::string::npos);
    CHECK(fixture.open(get("/", bearer(R"({"scope":"read"})"))) == 403);
  }

  TEST_CASE("it comes in a cookie or the query, too") {
    Fixture fixture(guarded("/*"));
    const std::string good = token(R"({"sub":"s"})");
    CHECK(fixture.open(get("/", {{"cookie", "a=b; mercureAuthorization=" + good}})) == 200);
    CHECK(fixture.open(get("/?authorization=" + good)) == 200);
    CHECK(fixture.last().request.query == "authorization=" + good);
  }

  TEST_CASE("two of them are one too many") {
    Fixture fixture(guarded("/*"));
    http::Headers headers = bearer("{}");
    headers.add("authorization", "Bearer forged");
    CHECK(fixture.open(get("/", headers)) == 400);
  }

  TEST_CASE("the application gets the one that was verified, or none if the route says so") {
    const std::string cookie = "mercureAuthorization=forged; theme=dark";
    http::Headers headers = bearer("{}");
    headers.add("cookie", cookie);
    Fixture fixture(guarded("/*"));
    CHECK(fixture.open(get("/?authorization=forged&a=b", headers)) == 200);
    CHECK(fixture.last().request.headers.joined("cookie") == "theme=dark");
    CHECK(fixture.last().request.headers.has("authorization"));
    CHECK(fixture.last().request.query == "a=b");

    Fixture silent(guarded("/*", "pass_token = false\n"));
    CHECK(silent.open(get("/", headers)) == 200);
    CHECK_FALSE(silent.last().request.headers.has("authorization"));
    CHECK_FALSE(silent.last().terms.principal.empty());
  }

  TEST_CASE("an EventSource with an expired cookie is parked, a header is refused") {
    Fixture fixture(guarded("/*"));
    const std::string old = token(expiring(fixture, -1h));
    const http::Headers cookie{{"cookie", "mercureAuthorization=" + old}};
    CHECK(fixture.open(events("/", cookie)) == 200);
    CHECK(fixture.field("content-type") == "text/event-stream");
    CHECK(fixture.body().substr(0, 9) == ":\nretry: ");
    CHECK(fixture.counters.parked.value() == 1);
    CHECK(fixture.open(get("/", cookie)) == 401);
    CHECK(fixture.open(events("/", {{"authorization", "Bearer " + old}})) == 401);
    CHECK(fixture.relay.opened.empty());
  }

  TEST_CASE("a revoked one counts no more") {
    Fixture fixture(guarded("/*"));
    fixture.shared.subjects.revoke("s", fixture.clock.wall());
    CHECK(fixture.open(get("/", bearer(R"({"sub":"s"})"))) == 401);
  }
}

TEST_SUITE("Room for a relayed stream") {
  TEST_CASE("what has no room is parked if it comes back by itself") {
    Fixture fixture(route("/*", "[limits]\nstreams = 5\n"));
    fixture.streams = 5;
    CHECK(fixture.open(events("/")) == 200);
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.field("content-type") == "text/event-stream");

    http::Request post = events("/");
    post.method = "POST";
    CHECK(fixture.open(post) == 503);
    CHECK(fixture.field("retry-after") == "5");
    CHECK(fixture.open(get("/")) == 200);
    CHECK(fixture.relay.opened.size() == 1);
  }

  TEST_CASE("in a drain only those are sent away that come back") {
    Fixture fixture(route("/*"));
    fixture.shared.is_parking = true;
    CHECK(fixture.open(events("/")) == 200);
    CHECK(fixture.relay.opened.empty());
    http::Request post = events("/");
    post.method = "POST";
    fixture.open(post);
    CHECK(fixture.relay.opened.size() == 1);
  }

  TEST_CASE("a subject holds as many as it may, each as long as its exchange is open") {
    Fixture fixture(guarded("/*", "[limits]\nstreams_per_subject = 1\n"));
    const http::Headers headers = bearer(R"({"sub":"s"})");
    fixture.open(events("/", headers));
    REQUIRE(fixture.relay.opened.size() == 1);
    CHECK(fixture.shared.subjects.streams_of("s") == 1);
    CHECK(fixture.open(events("/", headers)) == 200);
    CHECK(fixture.relay.opened.size() == 1);
    http::Request post = events("/", headers);
    post.method = "POST";
    CHECK(fixture.open(post) == 429);
    fixture.relay.opened.clear();
    CHECK(fixture.shared.subjects.streams_of("s") == 0);
  }

  TEST_CASE("what turns out to be a stream is one, whatever was asked for") {
    Fixture fixture(route("/*", "[limits]\nstreams = 5\n"));
    fixture.relay.is_slow = true;
    for (const bool is_get : {true, false}) {
      http::Request request = get("/");
      if (!is_get) request.method = "POST";
      CHECK(fixture.open(request) == 0);
      fixture.streams = 4;
      fixture.relay.answer_with_events();
      CHECK(fixture.exchange->head.status == 200);
      CHECK(fixture.open(request) == 0);
      fixture.streams = 5;
      fixture.relay.answer_with_events();
      CHECK(fixture.exchange->head.status == 503);
      CHECK(fixture.field("retry-after") == "5");
      CHECK(fixture.body() == "there are too many event streams\n");
    }
    CHECK(fixture.counters.relay_limited.value() == 2);
  }

  TEST_CASE("room that is gone when the stream begins parks those who come back") {
    Fixture fixture(route("/*", "[limits]\nstreams = 5\n"));
    fixture.relay.is_slow = true;
    fixture.streams = 4;
    CHECK(fixture.open(events("/")) == 0);
    fixture.streams = 5;
    fixture.relay.answer_with_events();
    CHECK(fixture.exchange->head.status == 200);
    CHECK(fixture.body().substr(0, 9) == ":\nretry: ");
    CHECK(fixture.counters.parked.value() == 1);
  }

  TEST_CASE("a subject's streams count that it did not ask for as such, and no other answers") {
    Fixture fixture(guarded("/*", "[limits]\nstreams_per_subject = 1\n"));
    const http::Headers headers = bearer(R"({"sub":"s"})");
    CHECK(fixture.open(get("/", headers)) == 200);
    CHECK(fixture.shared.subjects.streams_of("s") == 0);
    fixture.relay.is_slow = true;
    fixture.open(get("/", headers));
    fixture.relay.answer_with_events();
    CHECK(fixture.exchange->head.status == 200);
    CHECK(fixture.shared.subjects.streams_of("s") == 1);

    const auto first = std::move(fixture.answer);
    const auto exchange = std::move(fixture.exchange);
    fixture.open(get("/", headers));
    fixture.relay.answer_with_events();
    CHECK(fixture.exchange->head.status == 429);
    CHECK(fixture.shared.subjects.streams_of("s") == 1);
  }
}

TEST_SUITE("Call-out") {
  TEST_CASE("it is asked with what the route names, and who asks for what") {
    Fixture fixture(called("/*"));
    const http::Headers headers{{"authorization", "Bearer a"},
                                {"cookie", "a=1"},
                                {"cookie", "b=2"},
                                {"x-other", "o"},
                                {"x-forwarded-uri", "/forged"}};
    http::Request post = get("/a/b?c=d", headers);
    post.method = "POST";
    CHECK(fixture.open(post) == 0);
    REQUIRE(fixture.relay.asked.size() == 1);
    const http::Request& head = fixture.relay.asked[0].head;
    CHECK(head.method == "GET");
    CHECK(head.authority == "auth:9001");
    CHECK(head.path == "/check");
    CHECK(head.query == "a=b");
    CHECK_FALSE(head.has_body);
    CHECK(head.headers.joined("authorization") == "Bearer a");
    CHECK(head.headers.joined("cookie") == "a=1; b=2");
    CHECK_FALSE(head.headers.has("x-other"));
    CHECK(head.headers.joined("x-forwarded-method") == "POST");
    CHECK(head.headers.joined("x-forwarded-uri") == "/a/b?c=d");
    CHECK(head.headers.joined("x-forwarded-host") == "app.example");
  }

  TEST_CASE("nothing of a request goes on before it is allowed, and then all of it") {
    Fixture fixture(called("/*", "auth_copy = [\"x-user\"]\n"));
    http::Request post = get("/", {{"x-user", "forged"}});
    post.method = "POST";
    post.has_body = true;
    fixture.open(post);
    fixture.answer->on_body("1234");
    fixture.answer->on_body("5");
    CHECK(fixture.exchange->consumed == 0);
    CHECK(fixture.answer->ready(10).bytes == 0);
    CHECK_FALSE(fixture.answer->ready(10).last);
    CHECK(fixture.relay.opened.empty());

    fixture.relay.answer(allowed({{"x-user", "u"}}));
    REQUIRE(fixture.relay.opened.size() == 1);
    CHECK(*fixture.last().terms.upstream_headers.find("x-user") == "u");
    CHECK(fixture.exchange->consumed == 5);
    CHECK(fixture.exchange->head.status == 200);
    CHECK(fixture.relay.questions == 1);
    CHECK(fixture.body() == "hello");
    CHECK(fixture.relay.questions == 0);
    fixture.answer->on_body("67");
    CHECK(fixture.exchange->consumed == 7);
  }

  TEST_CASE("a refusal is the client's answer") {
    Fixture fixture(called("/*"));
    fixture.open(get("/"));
    fixture.relay.answer({.kind = relay::AuthAnswer::Kind::denied,
                          .status = 302,
                          .fields = {{"location", "https://login"}},
                          .body = "go",
                          .max_age = 0s});
    CHECK(fixture.exchange->head.status == 302);
    CHECK(fixture.field("location") == "https://login");
    CHECK(fixture.field("x-request-id").size() == 32);
    CHECK(fixture.body() == "go");
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.counters.auth_denied.value() == 1);
  }

  TEST_CASE("when none can say, nobody passes; an EventSource comes back later") {
    Fixture fixture(called("/a") + called("/b", "unavailable = \"status\"\n"));
    const auto status = [&](const http::Request& request) {
      fixture.open(request);
      fixture.relay.answer(relay::auth_failure(503, "no", "it answered 500"));
      return fixture.exchange->head.status;
    };
    CHECK(status(get("/a")) == 503);
    CHECK(status(events("/a")) == 200);
    CHECK(fixture.body().substr(0, 9) == ":\nretry: ");
    CHECK(status(events("/b")) == 503);
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.counters.auth_failed.value() == 3);
  }

  TEST_CASE("its answer holds for as long as it says, for equal requests only") {
    Fixture fixture(called("/*"));
    const http::Headers one{{"cookie", "a=1"}};
    fixture.open(get("/", one));
    fixture.relay.answer(allowed({}, 60s));
    CHECK(fixture.open(get("/", one)) == 200);
    CHECK(fixture.relay.asked.size() == 1);
    CHECK(fixture.counters.auth_cached.value() == 1);

    http::Request post = get("/", one);
    post.method = "POST";
    http::Request host = get("/", one);
    host.authority = "other.example";
    for (const http::Request& other :
         {get("/", {{"cookie", "a=2"}}), get("/"), get("/b", one), get("/?q=1", one), post, host}) {
      CHECK(fixture.open(other) == 0);
    }
    CHECK(fixture.relay.asked.size() == 7);
    fixture.clock.advance(61s);
    CHECK(fixture.open(get("/", one)) == 0);
  }

  TEST_CASE("a client that leaves takes its question back") {
    Fixture fixture(called("/*"));
    fixture.open(get("/"));
    CHECK(fixture.relay.questions == 1);
    fixture.answer.reset();
    CHECK(fixture.relay.questions == 0);
  }

  TEST_CASE("who it says that asks is a principal of its own") {
    Fixture fixture(called("/*", "auth_headers = [\"x-key\"]\nauth_copy = [\"x-user\"]\n"));
    const auto principal = [&](const char* key, const char* user) {
      fixture.open(get("/", {{"x-key", key}}));
      fixture.relay.answer(allowed({{"x-user", user}}));
      return fixture.last().terms.principal;
    };
    const std::string one = principal("k", "u");
    CHECK(one.size() == 32);
    CHECK(one == principal("k", "u"));
    CHECK(one != principal("k", "v"));
    CHECK(one != principal("l", "u"));
  }
}

TEST_SUITE("CORS of a route") {
  const std::string kOwn = "cors = \"own\"\ncors_origins = [\"https://page\"]\n";
  http::Request preflight(const char* method, const char* origin = "https://page") {
    http::Request request = get("/a", {{"origin", origin},
                                       {"access-control-request-method", method},
                                       {"access-control-request-headers", "x-a, x-b"}});
    request.method = "OPTIONS";
    return request;
  }

  TEST_CASE("a preflight of a route with its own is answered here") {
    Fixture fixture(route("/*", kOwn));
    CHECK(fixture.open(preflight("PUT")) == 204);
    CHECK(fixture.field("access-control-allow-origin") == "https://page");
    CHECK(fixture.field("access-control-allow-methods") == "PUT");
    CHECK(fixture.field("access-control-allow-headers") == "x-a, x-b");
    CHECK(fixture.relay.opened.empty());
    CHECK(fixture.open(preflight("PUT", "https://other")) == 204);
    CHECK(fixture.field("access-control-allow-origin") == "-");
  }

  TEST_CASE("it is the route's of the request that it asks about") {
    Fixture fixture(route("/a", "methods = [\"POST\"]\n" + kOwn) + route("/*"));
    CHECK(fixture.open(preflight("POST")) == 204);
    CHECK(fixture.open(preflight("GET")) == 200);
    CHECK(fixture.last().route == 1);
  }

  TEST_CASE("an application's own gets it, even if its route is for other methods") {
    Fixture fixture(route("/a", "methods = [\"POST\"]\n"));
    CHECK(fixture.open(preflight("POST")) == 200);
    CHECK(fixture.last().request.method == "OPTIONS");
    CHECK(fixture.open(preflight("GET")) == 0);
  }

  TEST_CASE("answers carry it, errors too, or a page could not read them") {
    Fixture fixture(guarded("/*", kOwn));
    const http::Headers origin{{"origin", "https://page"}};
    CHECK(fixture.open(get("/", origin)) == 401);
    CHECK(fixture.field("access-control-allow-origin") == "https://page");
    CHECK(fixture.field("access-control-expose-headers").find("sluice-stream-id") !=
          std::string::npos);
    http::Headers both = bearer("{}");
    both.add("origin", "https://page");
    fixture.open(get("/", both));
    CHECK(fixture.last().terms.answer_headers.has("access-control-allow-origin"));
  }

  TEST_CASE("an application that does it itself is left alone") {
    Fixture fixture(route("/*"));
    fixture.open(get("/", {{"origin", "https://page"}}));
    CHECK(fixture.last().terms.answer_headers.empty());
  }
}

}  // namespace
}  // namespace sluice::server
