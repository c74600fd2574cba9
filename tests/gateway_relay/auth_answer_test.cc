#include "gateway/relay/auth_answer.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/clock.h"
#include "gateway/relay/auth_cache.h"

namespace sluice::relay {
namespace {

using namespace std::chrono_literals;
using Kind = AuthAnswer::Kind;

AuthAnswer judged(int status, http::Headers headers, std::string body = "") {
  static const std::vector<std::string> copied{"x-user", "x-role"};
  return judge({status, std::move(headers)}, std::move(body), copied);
}

Millis fresh(const std::string& control) {
  return freshness({200, {{"cache-control", control}}});
}

TEST_SUITE("Call-out's answer") {
  TEST_CASE("any 2xx lets a request pass, with what the route copies") {
    const AuthAnswer answer = judged(204, {{"x-user", "u"}, {"x-other", "o"}});
    CHECK(answer.kind == Kind::allowed);
    CHECK(*answer.fields.find("x-user") == "u");
    CHECK_FALSE(answer.fields.has("x-other"));
    // The client's own must not pass for it.
    REQUIRE(answer.fields.has("x-role"));
    CHECK(answer.fields.find("x-role")->empty());
  }

  TEST_CASE("a refusal goes to the client: its challenge, its text, no more") {
    for (const int status : {401, 403}) {
      const AuthAnswer answer = judged(status,
                                       {{"www-authenticate", "Basic"},
                                        {"content-type", "text/html"},
                                        {"server", "secret/1.0"},
                                        {"cache-control", "max-age=60"}},
                                       "<p>no");
      CHECK(answer.kind == Kind::denied);
      CHECK(answer.status == status);
      CHECK(*answer.fields.find("www-authenticate") == "Basic");
      CHECK(*answer.fields.find("content-type") == "text/html");
      CHECK(*answer.fields.find("cache-control") == "no-store");
      CHECK_FALSE(answer.fields.has("server"));
      CHECK(answer.body == "<p>no");
      CHECK(answer.max_age == 60s);
    }
  }

  TEST_CASE("the way to a login page goes to the client, and is not remembered") {
    const AuthAnswer answer =
        judged(302, {{"location", "https://login"}, {"cache-control", "max-age=60"}});
    CHECK(answer.kind == Kind::denied);
    CHECK(*answer.fields.find("location") == "https://login");
    CHECK(answer.max_age == 0s);
  }

  TEST_CASE("all else is a refusal, too, and says nothing of itself") {
    for (const int status : {400, 404, 500, 503, 304, 300, 302}) {
      const AuthAnswer answer = judged(status, {{"x-user", "u"}}, "trace");
      CHECK(answer.kind == Kind::failed);
      CHECK(answer.status == 502);
      CHECK(answer.body == "the authorisation of this request could not be found out");
      CHECK(answer.max_age == 0s);
    }
  }

  TEST_CASE("it holds as long as it says, a day at most") {
    CHECK(fresh("max-age=60") == 60s);
    CHECK(fresh("private, Max-Age=\"60\"") == 60s);
    CHECK(fresh("max-age=9999999999999999999") == 24h);
    CHECK(freshness({200, {{"cache-control", "max-age=60"}, {"age", "50"}}}) == 10s);
    CHECK(freshness({200, {{"cache-control", "max-age=60"}, {"age", "x"}}}) == 0s);
  }

  TEST_CASE("it does not hold where anything is against it") {
    for (const std::string control :
         {"", "private", "no-store, max-age=60", "max-age=60, no-cache", "max-age=-1", "max-age=x",
          "max-age", "max-age=0", "s-maxage=60"}) {
      CAPTURE(control);
      CHECK(fresh(control) == 0s);
    }
    CHECK(freshness({200, {}}) == 0s);
    CHECK(freshness({200, {{"cache-control", "max-age=60"}, {"set-cookie", "a=b"}}}) == 0s);
    CHECK(freshness({200, {{"cache-control", "max-age=60"}, {"vary", "*"}}}) == 0s);
  }
}

TEST_SUITE("Cache of call-outs' answers") {
  AuthAnswer lasting(Millis age, std::string body = "") {
    return {
        .kind = Kind::denied, .status = 403, .fields = {}, .body = std::move(body), .max_age = age};
  }
  const TimePoint kNow{};

  TEST_CASE("an answer is found until its time is over") {
    AuthCache cache(10);
    cache.insert("a", lasting(10s), kNow);
    REQUIRE(cache.find("a", kNow + 9s) != nullptr);
    CHECK(cache.find("a", kNow + 9s)->status == 403);
    CHECK(cache.find("b", kNow) == nullptr);
    CHECK(cache.find("a", kNow + 10s) == nullptr);
    CHECK(cache.size() == 0);
  }

  TEST_CASE("one that holds for no time is not kept, and takes an older one away") {
    AuthCache cache(10);
    cache.insert("a", lasting(10s), kNow);
    cache.insert("a", lasting(0s), kNow);
    CHECK(cache.find("a", kNow) == nullptr);
  }

  TEST_CASE("the least recently used goes first") {
    AuthCache cache(2);
    cache.insert("a", lasting(10s), kNow);
    cache.insert("b", lasting(10s), kNow);
    CHECK(cache.find("a", kNow) != nullptr);
    cache.insert("c", lasting(10s), kNow);
    CHECK(cache.find("b", kNow) == nullptr);
    CHECK(cache.find("a", kNow) != nullptr);
    CHECK(cache.size() == 2);
  }

  TEST_CASE("a newer answer takes the place of an older one") {
    AuthCache cache(2);
    cache.insert("a", lasting(10s, "old"), kNow);
    cache.insert("a", lasting(10s, "new"), kNow);
    CHECK(cache.find("a", kNow)->body == "new");
    CHECK(cache.size() == 1);
  }

  TEST_CASE("memory is bounded, too") {
    AuthCache cache(1'000'000);
    const std::string body(kMaxAuthBody, 'x');
    for (int i = 0; i < 1'000; ++i) cache.insert(std::to_string(i), lasting(10s, body), kNow);
    CHECK(cache.size() < AuthCache::kMaxBytes / kMaxAuthBody + 1);
    CHECK(cache.size() > 200);
    CHECK(cache.find("999", kNow) != nullptr);
  }

  TEST_CASE("without entries nothing is kept") {
    AuthCache cache(0);
    cache.insert("a", lasting(10s), kNow);
    CHECK(cache.find("a", kNow) == nullptr);
  }
}

}  // namespace
}  // namespace sluice::relay
