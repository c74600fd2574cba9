#include "gateway/server/present_stream.h"

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using Subscriptions = std::vector<ActiveSubscription>;

TEST_SUITE("a present stream") {
  TEST_CASE("comes out of the roster as it went in") {
    const auto payload = std::make_shared<const std::string>(R"({"user":"ann"})");
    const PresentStream stream{
        .subscriptions = std::make_shared<const Subscriptions>(Subscriptions{
            {.match = "https://example.com/\"orders\""},
            {.is_v1 = true, .match_type = "exact", .match = "a", .payload = payload},
            {.is_v1 = true, .match_type = "urlpattern", .match = "/b/*", .payload = payload}}),
        .is_stranger = true,
        .is_told = true};
    const auto read = from_entry(to_entry(stream));
    REQUIRE(read.has_value());
    CHECK(read->is_stranger);
    CHECK(read->is_told);
    REQUIRE(read->subscriptions->size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const ActiveSubscription& was = (*stream.subscriptions)[i];
      const ActiveSubscription& is = (*read->subscriptions)[i];
      CHECK(subscription_path("s", is) == subscription_path("s", was));
      CHECK(subscription_json("s", is, true, true) == subscription_json("s", was, true, true));
    }
    CHECK((*read->subscriptions)[1].payload == (*read->subscriptions)[2].payload);
  }

  TEST_CASE("is none where the entry is another's") {
    for (const char* entry : {"", "x", "[]", "{}", R"({"subscriptions":[1]})"}) {
      CHECK(!from_entry(entry).has_value());
    }
  }
}

}  // namespace
}  // namespace sluice::server
