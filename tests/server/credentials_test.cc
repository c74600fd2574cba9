#include "gateway/server/credentials.h"

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

constexpr std::array<std::string_view, 2> kCookies{"auth", "__Secure-auth"};

http::Request request(http::Headers headers, std::string query = "") {
  return {.method = "GET", .path = "/a", .query = std::move(query), .headers = std::move(headers)};
}

std::string digest_of(const http::Request& request, const std::vector<std::string>& more = {}) {
  auth::Digest digest;
  add_credentials(request, more, digest);
  return digest.empty() ? "" : digest.finish();
}

/// "authorization|cookie|query" of what is left.
std::string left(http::Request request, Carrier kept) {
  remove_tokens(request, kept, kCookies);
  const auto field = [&](const char* name) { return request.headers.joined(name).value_or("-"); };
  return field("authorization") + "|" + field("cookie") + "|" + request.query;
}

TEST_SUITE("Credentials") {
  TEST_CASE("who sends none has no principal") {
    CHECK(digest_of(request({{"accept", "*/*"}, {"user-agent", "x"}})).empty());
  }

  TEST_CASE("each of the common fields tells clients apart") {
    const std::string one = digest_of(request({{"authorization", "Bearer a"}}));
    CHECK(one.size() == 32);
    CHECK(one == digest_of(request({{"authorization", "Bearer a"}, {"accept", "*/*"}})));
    CHECK(one != digest_of(request({{"authorization", "Bearer b"}})));
    CHECK(one != digest_of(request({{"cookie", "Bearer a"}})));
    CHECK_FALSE(digest_of(request({{"x-api-key", "k"}})).empty());
  }

  TEST_CASE("so do those that the route names") {
    CHECK(digest_of(request({{"x-tenant", "a"}})).empty());
    CHECK_FALSE(digest_of(request({{"x-tenant", "a"}}), {"x-tenant"}).empty());
  }

  TEST_CASE("a second token is found wherever it stands") {
    const auto twice = [](http::Headers headers, std::string query = "") {
      return has_token_twice(request(std::move(headers), std::move(query)), kCookies);
    };
    CHECK(twice({{"authorization", "Bearer a"}, {"authorization", "Basic b"}}));
    CHECK(twice({{"cookie", "auth=a; x=y; auth=b"}}));
    CHECK(twice({{"cookie", "auth=a"}, {"cookie", "auth=b"}}));
    CHECK(twice({}, "authorization=a&b=c&%61uthorization=b"));
    CHECK_FALSE(twice({{"authorization", "Bearer a"}, {"cookie", "auth=a; __Secure-auth=b"}},
                      "authorization=c"));
    CHECK_FALSE(twice({{"cookie", "x=1; x=2"}}));
  }

  TEST_CASE("only the token that was verified goes on") {
    const http::Request all = request({{"authorization", "Bearer a"},
                                       {"cookie", "auth=b; theme=dark"},
                                       {"cookie", "__Secure-auth=c"}},
                                      "x=1&authorization=d&y=2");
    CHECK(left(all, Carrier::header) == "Bearer a|theme=dark|x=1&y=2");
    CHECK(left(all, Carrier::cookie) == "-|auth=b; theme=dark|x=1&y=2");
    CHECK(left(all, Carrier::query) == "-|theme=dark|x=1&authorization=d&y=2");
    CHECK(left(all, Carrier::none) == "-|theme=dark|x=1&y=2");
  }

  TEST_CASE("what is no token of ours stays as it is") {
    CHECK(left(request({{"authorization", "Basic a"}, {"cookie", "a=1; b=2"}}, "q=authorization"),
               Carrier::none) == "Basic a|a=1; b=2|q=authorization");
    CHECK(left(request({{"cookie", "auth=b"}}), Carrier::none) == "-|-|");
  }
}

}  // namespace
}  // namespace sluice::server
