#include "gateway/redis/url.h"

#include <string>

#include <doctest/doctest.h>

namespace sluice::redis {
namespace {

RedisUrl good(std::string_view text) {
  const auto url = parse_redis_url(text);
  REQUIRE_MESSAGE(url.has_value(), text);
  return *url;
}

std::string fault_of(std::string_view text) {
  const auto url = parse_redis_url(text);
  REQUIRE_MESSAGE(!url.has_value(), text);
  CHECK(url.error().code == Errc::invalid);
  return url.error().what;
}

TEST_SUITE("the URL of a Redis server") {
  TEST_CASE("says how, who, where and which database") {
    const RedisUrl all = good("rediss://user:password@redis.example:6380/2");
    CHECK(all.is_tls);
    CHECK(all.user == "user");
    CHECK(all.password == "password");
    CHECK(all.host == "redis.example");
    CHECK(all.port == 6380);
    CHECK(all.database == 2);
    const RedisUrl least = good("redis://h");
    CHECK_FALSE(least.is_tls);
    CHECK(least.user.empty());
    CHECK(least.password.empty());
    CHECK(least.port == 6379);
    CHECK(least.database == 0);
  }

  TEST_CASE("may name an address, in brackets if it has colons") {
    CHECK(good("redis://127.0.0.1:1/").port == 1);
    CHECK(good("redis://[::1]").host == "::1");
    CHECK(good("redis://[::1]:65535/15").host == "::1");
    CHECK(good("redis://[::1]:65535/15").port == 65'535);
  }

  TEST_CASE("may hold any password, the signs that mean something in a URL as %XX") {
    CHECK(good("redis://:a%2Fb%40c%3a%25@h").password == "a/b@c:%");
    CHECK(good("redis://user@h").user == "user");
    CHECK(good("redis://user:a:b@h").password == "a:b");
    CHECK(good("redis://user:p@ss@h").password == "p@ss");
  }

  TEST_CASE("is refused where it is none, with a sentence") {
    CHECK(fault_of("").find("redis://127.0.0.1:6379/0") != std::string::npos);
    CHECK(fault_of("http://h").find("no URL of a Redis server") != std::string::npos);
    CHECK(fault_of("redis:h").find("no URL of a Redis server") != std::string::npos);
    CHECK(fault_of("redis://h/0?x=1").find("more than") != std::string::npos);
    CHECK(fault_of("redis://h h").find("more than") != std::string::npos);
    for (const char* text : {"redis://", "redis://:6379", "redis:///0", "redis://[::1]x:1",
                             "redis://u:p@", "redis://[]:1", "redis://[[::1]]", "redis://[::1"}) {
      CAPTURE(text);
      CHECK(fault_of(text) == "this URL names no host");
    }
    for (const char* text : {"redis://h:0", "redis://h:65536", "redis://h:", "redis://h:x",
                             "redis://h:-1", "redis://h:1:2"}) {
      CAPTURE(text);
      CHECK(fault_of(text) == "this URL has no port from 1 to 65535");
    }
    for (const char* text :
         {"redis://h/x", "redis://h/-1", "redis://h/4294967296", "redis://h/0/"}) {
      CAPTURE(text);
      CHECK(fault_of(text).find("no number of a database") != std::string::npos);
    }
  }

  TEST_CASE("does not give its password away when it is refused") {
    for (const char* text : {"redis://u:geh%XXeim@h", "redis://u:geheim%@h", "redis://u:geheim%0@h",
                             "redis://u:p@x/geheim", "redis://u:geheim@h:x", "redis://u:geheim@",
                             "geheim://u@h", "redis://u:geh eim@h", "redis://u:geheim?@h"}) {
      CAPTURE(text);
      CHECK(fault_of(text).find("geh") == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace sluice::redis
