#include "gateway/redis/health.h"

#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

std::size_t lines_of(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST_SUITE("the health of Redis") {
  TEST_CASE("is told once, again after a while, and sooner where the reason is another one") {
    log::set_level(log::Level::warning);
    ManualClock clock;
    Counters counters;
    Health health("h:1", clock, counters);
    const auto said = [&](std::string_view why) {
      return logged([&] { health.set(Health::tail, why); });
    };
    CHECK(contains(said("it closed the connection"), "h:1 is away: it closed the connection"));
    CHECK(said("connection refused").empty());
    clock.advance(5s);
    CHECK(said("it closed the connection").empty());
    CHECK(contains(said("connection refused"), "h:1 is away: connection refused"));
    clock.advance(29s);
    CHECK(said("connection refused").empty());
    clock.advance(1s);
    CHECK(lines_of(said("connection refused")) == 1);
    CHECK(health.trouble() == "Redis at h:1 is away: connection refused");
  }

  TEST_CASE("is good when all parts of the journal are there") {
    log::set_level(log::Level::off);
    ManualClock clock;
    Counters counters;
    Health health("h:1", clock, counters);
    for (const auto part : {Health::tail, Health::publisher, Health::past}) health.set(part, "");
    CHECK_FALSE(health.trouble().empty());
    CHECK(counters.links.value() == 3);
    health.set(Health::roster, "");
    CHECK(health.trouble().empty());
    health.set(Health::past, "it does not answer");
    CHECK_FALSE(health.trouble().empty());
    CHECK(counters.losses.value() == 1);
  }
}

}  // namespace
}  // namespace sluice::redis
