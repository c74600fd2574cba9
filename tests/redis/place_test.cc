#include "gateway/redis/place.h"

#include <doctest/doctest.h>

namespace sluice::redis {
namespace {

std::string read(std::string_view text) {
  const auto place = parse_place(text, 26379);
  return place ? place->text() : place.error().what;
}

std::string led_to(std::string_view refusal) {
  const auto place = moved_to(refusal, {"redis.example", 6379});
  return place ? place->text() : "nowhere";
}

TEST_SUITE("a server's place") {
  TEST_CASE("is a host, and a port unless it is the usual one") {
    CHECK(read("10.0.0.1:1234") == "10.0.0.1:1234");
    CHECK(read("sentinel.example") == "sentinel.example:26379");
    CHECK(read("[fd00::1]:1234") == "[fd00::1]:1234");
    CHECK(read("[fd00::1]") == "[fd00::1]:26379");
  }

  TEST_CASE("is said to be none where it is none, and how one looks") {
    CHECK(read("10.0.0.1:x") ==
          "\"10.0.0.1:x\" is no address, as in \"10.0.0.1:26379\", \"[fd00::1]:26379\" or "
          "\"redis-1.example:26379\"");
    for (const auto* wrong : {"", ":1", "a:0", "a:65536", "a:1:2", "fd00::1", "[fd00::1", "a b",
                              "u@h:1", "h/0", "a:"}) {
      CHECK_MESSAGE(read(wrong).find("is no address") != std::string::npos, wrong);
    }
  }

  TEST_CASE("is read of a node of a cluster that leads elsewhere") {
    CHECK(led_to("MOVED 3999 10.0.0.2:6380") == "10.0.0.2:6380");
    CHECK(led_to("MOVED 3999 fd00::2:6380") == "[fd00::2]:6380");
    CHECK(led_to("MOVED 3999 redis-2.example:6380") == "redis-2.example:6380");
    CHECK(led_to("MOVED 3999 10.0.0.2:6380 hostname=redis-2") == "10.0.0.2:6380");
  }

  TEST_CASE("is the node's own host, where it does not know under which name it is seen") {
    CHECK(led_to("MOVED 3999 :6380") == "redis.example:6380");
  }

  TEST_CASE("is not read of what leads nowhere") {
    for (const auto* refusal :
         {"MOVED", "MOVED 3999", "MOVED 3999 ", "MOVED 3999 ?:6380", "MOVED 3999 10.0.0.2",
          "MOVED 3999 10.0.0.2:0", "ERR no", "ASK 3999 10.0.0.2:6380", "MOVED 3999 10.0.0.2:x"}) {
      CHECK_MESSAGE(led_to(refusal) == "nowhere", refusal);
    }
  }

  TEST_CASE("of a slot that is on its way is told, and what to do if it stays there") {
    CHECK(explain_refusal("ASK 3999 10.0.0.2:6380") ==
          "its slot of the cluster is on its way to 10.0.0.2:6380, which is waited for; if it "
          "stays so: redis-cli --cluster fix");
    CHECK(explain_refusal("CLUSTERDOWN Hash slot not served").find("--cluster check") !=
          std::string::npos);
    CHECK(explain_refusal("LOADING it loads") == "LOADING it loads");
  }
}

}  // namespace
}  // namespace sluice::redis
