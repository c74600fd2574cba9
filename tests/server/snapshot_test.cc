#include "gateway/server/snapshot.h"

#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace sluice::server {
namespace {

using std::chrono::seconds;
using Json = nlohmann::ordered_json;

Json shown(const Snapshot& snapshot, Json figures = Json::object()) {
  const std::string text = to_json(snapshot, std::move(figures));
  CHECK(text.find('\n') == std::string::npos);
  return Json::parse(text);
}

TEST_SUITE("a snapshot") {
  TEST_CASE("says when it was made and since when the process runs") {
    Snapshot snapshot;
    snapshot.at = WallTime(seconds(1'790'000'100));
    snapshot.started = WallTime(seconds(1'790'000'000));
    snapshot.uptime = seconds(100);
    const Json json = shown(snapshot);
    CHECK(json["at_ms"] == 1'790'000'100'000);
    CHECK(json["started_ms"] == 1'790'000'000'000);
    CHECK(json["uptime_ms"] == 100'000);
    CHECK(json["version"] == SLUICE_VERSION);
  }

  TEST_CASE("is ready, overloaded, or draining, which is told before the load") {
    Snapshot snapshot;
    CHECK(shown(snapshot)["state"] == "ready");
    snapshot.is_behind = true;
    CHECK(shown(snapshot)["state"] == "overloaded");
    snapshot.is_behind = false;
    snapshot.is_out_of_room = true;
    CHECK(shown(snapshot)["state"] == "overloaded");
    snapshot.drain.stage = DrainProgress::Stage::delay;
    CHECK(shown(snapshot)["state"] == "draining");
  }

  TEST_CASE("says why history cannot be reached") {
    Snapshot snapshot;
    CHECK(shown(snapshot)["trouble"].is_null());
    snapshot.trouble = "Redis at 10.0.1.21:6379 is away: it does not answer";
    CHECK(shown(snapshot)["trouble"] == snapshot.trouble);
  }

  TEST_CASE("tells how far a drain is") {
    Snapshot snapshot;
    CHECK(shown(snapshot)["drain"].is_null());
    snapshot.drain = {
        .stage = DrainProgress::Stage::window, .began_with = 70, .left = Millis(1500)};
    CHECK(shown(snapshot)["drain"] ==
          Json{{"stage", "window"}, {"began_with", 70}, {"left_ms", 1500}});
    snapshot.drain.stage = DrainProgress::Stage::last_words;
    CHECK(shown(snapshot)["drain"]["stage"] == "last_words");
  }

  TEST_CASE("has the load of each worker, and its turns by their length") {
    Histogram turns;
    turns.observe(0.00002);
    turns.observe(0.25);
    turns.observe(60);
    Snapshot snapshot;
    snapshot.workers.push_back(
        {.connections = 2, .streams = 30, .deliveries = 400, .backlog_events = 5, .turns = &turns});
    const Json json = shown(snapshot);
    REQUIRE(json["workers"].size() == 1);
    const Json worker = json["workers"][0];
    CHECK(worker["connections"] == 2);
    CHECK(worker["streams"] == 30);
    CHECK(worker["deliveries"] == 400);
    CHECK(worker["backlog_events"] == 5);
    CHECK(worker["busy_seconds"].get<double>() == doctest::Approx(60.25002));
    CHECK(worker["turns"] == Json({0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}));
    CHECK(json["bounds_seconds"].size() + 1 == worker["turns"].size());
    CHECK(json["bounds_seconds"][1] == 0.00003);
  }

  TEST_CASE("has the commits of a file journal, and of none else") {
    Snapshot snapshot;
    CHECK(shown(snapshot)["journal"] == "memory");
    CHECK_FALSE(shown(snapshot).contains("commits"));
    Histogram commits;
    commits.observe(0.002);
    snapshot.journal = Journal::file;
    snapshot.commits = &commits;
    CHECK(shown(snapshot)["journal"] == "file");
    CHECK(shown(snapshot)["commits"][5] == 1);
  }

  TEST_CASE("has the limits, and all figures of /status as they are") {
    Snapshot snapshot;
    snapshot.limits.connections = 900;
    const Json json = shown(snapshot, {{"streams", 7}, {"sessions", {{"h2", 3}}}});
    CHECK(json["limits"]["connections"] == 900);
    CHECK(json["limits"]["streams"] == 1'000'000);
    CHECK(json["figures"] == Json{{"streams", 7}, {"sessions", {{"h2", 3}}}});
  }
}

}  // namespace
}  // namespace sluice::server
