#include "gateway/server/journals.h"

#include "gateway/base/log.h"
#include "gateway/server/files.h"
#include "tests/redis/server.h"

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

std::string write_secret(const TempDir& dir, std::string_view text) {
  std::string path = dir.path("password");
  REQUIRE(write_private_file(path, text).has_value());
  return path;
}

/// "" if the journal can be made.
std::string fault_of(const Config& config) {
  log::set_level(log::Level::off);
  const SteadyClock clock;
  JournalCounters counters;
  const auto journal = make_journal(config, clock, counters);
  return journal ? "" : journal.error().what;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

TEST_SUITE("the Redis journal's password file") {
  TEST_CASE("holds the password, and goes before the URL's") {
    const redis::Server server({"--requirepass", "right"});
    const TempDir dir;
    Config config;
    config.history.journal = Journal::redis;
    config.history.redis.link.url = "redis://:wrong@127.0.0.1:" + server.port();
    config.history.redis.start_timeout = 500ms;
    CHECK(contains(fault_of(config), "it refuses the login"));
    config.history.password_file = write_secret(dir, "right\n");
    CHECK(fault_of(config).empty());
  }

  TEST_CASE("that is wrong or not there is named, and what it holds is not") {
    const redis::Server server({"--requirepass", "right"});
    const TempDir dir;
    Config config;
    config.history.journal = Journal::redis;
    config.history.redis.link.url = server.url();
    config.history.redis.start_timeout = 500ms;
    config.history.password_file = write_secret(dir, "geheim");
    const std::string refused = fault_of(config);
    CHECK(contains(refused, "history.password_file"));
    CHECK_FALSE(contains(refused, "geheim"));
    config.history.password_file = dir.path("none");
    CHECK(fault_of(config).starts_with("history.password_file: "));
  }
}

}  // namespace
}  // namespace sluice::server
