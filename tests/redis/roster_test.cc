#include "gateway/journal/roster.h"

#include <map>
#include <set>

#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

using journal::Roster;
using Names = std::set<std::string>;

/// One instance, and what its roster was told.
class Member {
 public:
  explicit Member(const Server& server, Millis timeout = 60s)
      : Member(options(server, timeout), std::make_shared<Heard>()) {}

  [[nodiscard]] Roster& roster() const { return *instance_.journal->roster(); }
  /// Waits until it is up.
  void put(const std::string& name, const std::string& value) {
    {
      const std::lock_guard lock(heard_->mutex);
      heard_->own[name] = value;
    }
    REQUIRE(comes_true([&] { return outcome_of_put(name, value).has_value(); }));
  }
  void remove(const std::string& name) {
    {
      const std::lock_guard lock(heard_->mutex);
      heard_->own.erase(name);
    }
    std::promise<Result<void>> answer;
    roster().remove(name, [&](const auto& result) { answer.set_value(result); });
    REQUIRE(answer.get_future().get().has_value());
  }
  [[nodiscard]] Result<Roster::Entries> try_read() const {
    std::promise<Result<Roster::Entries>> answer;
    roster().read([&](auto entries) { answer.set_value(std::move(entries)); });
    return answer.get_future().get();
  }
  [[nodiscard]] Names names() const {
    const auto entries = try_read();
    Names names;
    if (!entries) return {"(" + entries.error().what + ")"};
    for (const auto& [name, value] : *entries) names.insert(name);
    return names;
  }
  [[nodiscard]] Names orphans() const {
    const std::lock_guard lock(heard_->mutex);
    return heard_->orphans;
  }
  [[nodiscard]] std::map<std::string, WallTime> revoked() const {
    const std::lock_guard lock(heard_->mutex);
    return heard_->revoked;
  }
  [[nodiscard]] int returns() const {
    const std::lock_guard lock(heard_->mutex);
    return heard_->returns;
  }
  [[nodiscard]] const Counters& counters() const { return instance_.own; }

 private:
  struct Heard {
    std::mutex mutex;
    std::map<std::string, std::string> own;
    Names orphans;
    std::map<std::string, WallTime> revoked;
    int returns = 0;
  };

  static Options options(const Server& server, Millis timeout) {
    Options options = Instance::quick(server);
    options.instance_timeout = timeout;
    options.roster_bytes = 10'000;
    options.revocations = 3;
    return options;
  }
  static Roster::Duties duties(const std::shared_ptr<Heard>& heard) {
    return {.own =
                [heard] {
                  const std::lock_guard lock(heard->mutex);
                  return Roster::Entries(heard->own.begin(), heard->own.end());
                },
            .on_return =
                [heard] {
                  const std::lock_guard lock(heard->mutex);
                  ++heard->returns;
                },
            .on_orphans =
                [heard](const auto& entries) {
                  const std::lock_guard lock(heard->mutex);
                  for (const auto& [name, value] : entries) heard->orphans.insert(name);
                },
            .revoked =
                [heard] {
                  const std::lock_guard lock(heard->mutex);
                  return Roster::Revocations(heard->revoked.begin(), heard->revoked.end());
                },
            .on_revoked =
                [heard](const auto& subject, WallTime at) {
                  const std::lock_guard lock(heard->mutex);
                  heard->revoked[subject] = at;
                }};
  }
  Member(Options options, std::shared_ptr<Heard> heard)
      : heard_(std::move(heard)), instance_(std::move(options), duties(heard_)) {}

  [[nodiscard]] Result<void> outcome_of_put(const std::string& name,
                                            const std::string& value) const {
    std::promise<Result<void>> answer;
    roster().put(name, value, [&](const auto& result) { answer.set_value(result); });
    return answer.get_future().get();
  }

  const std::shared_ptr<Heard> heard_;
  const Instance instance_;
};

/// The script, asked as an instance would.
Reply beat(const Server& server, const std::string& name) {
  const std::string sha = server.ask({"SCRIPT", "LOAD", kRosterScript});
  auto reply = server.converse({"EVALSHA", sha, "1", "sluice", "beat", name, "60000", "0"});
  REQUIRE(reply.has_value());
  REQUIRE(reply->size() == 4);
  return std::move(*reply);
}
void leave_entries(const Server& server, const std::string& name, int count,
                   const std::string& value) {
  for (int i = 0; i < count; ++i) {
    server.ask({"HSET", "{sluice}:present:" + name, std::to_string(i), value});
  }
  server.ask({"ZADD", "{sluice}:instances", "1", name});
}

TEST_SUITE("what an instance leaves") {
  TEST_CASE("comes in pieces, and the instance learns of it though some is left") {
    const Server server;
    CHECK(beat(server, "one")[0].integer() == 0);
    CHECK(beat(server, "one")[0].integer() == 1);
    leave_entries(server, "one", 300, "x");
    CHECK(beat(server, "other")[2].size() == 2 * 256);
    CHECK(beat(server, "one")[0].integer() == 0);
  }

  TEST_CASE("comes in pieces of some megabytes at most") {
    const Server server;
    leave_entries(server, "one", 40, std::string(100'000, 'x'));
    std::size_t entries = 0;
    for (std::size_t size = 1; size > 0; entries += size / 2) {
      size = beat(server, "other")[2].size();
      CHECK(size <= 2 * 11);
    }
    CHECK(entries == 40);
    CHECK(server.ask({"EXISTS", "{sluice}:present:one"}) == "0");
  }
}

TEST_SUITE("the roster of instances") {
  TEST_CASE("shows the entries of all, as soon as they are put and until they are removed") {
    const Server server;
    Member one(server);
    Member other(server);
    one.put("ann", "1");
    other.put("bob", "2");
    CHECK(one.names() == Names{"ann", "bob"});
    CHECK(other.names() == Names{"ann", "bob"});
    other.remove("bob");
    CHECK(one.names() == Names{"ann"});
    CHECK(comes_true([&] { return one.counters().instances.value() == 2; }));
  }

  TEST_CASE("gives what an instance leaves behind to one of the others, once") {
    const Server server;
    Member one(server);
    Member two(server);
    {
      Member leaving(server);
      for (int i = 0; i < 600; ++i) leaving.put("of-" + std::to_string(i), "x");
    }
    CHECK(comes_true([&] { return one.orphans().size() + two.orphans().size() == 600; }));
    CHECK(comes_true([&] { return one.names().empty(); }));
    CHECK(one.counters().orphans.value() + two.counters().orphans.value() == 600);
  }

  TEST_CASE("takes an instance that is not heard of for gone, and hears of its return") {
    const Server server;
    Member one(server);
    // Its time is over before its next beat.
    Member late(server, 0ms);
    late.put("ann", "1");
    CHECK(comes_true([&] { return one.orphans() == Names{"ann"}; }));
    CHECK(comes_true([&] { return late.returns() > 0; }));
    CHECK(late.orphans().empty());
  }

  TEST_CASE("writes all entries again when Redis comes back empty") {
    Server server;
    Member one(server);
    one.put("ann", "1");
    server.kill();
    server.start();
    CHECK(comes_true([&] { return one.names() == Names{"ann"}; }));
  }

  TEST_CASE("keeps its entries where they cannot be written anew") {
    const Server server;
    Member one(server);
    for (const auto* name : {"a", "b", "c"}) one.put(name, "x");
    const Names all{"a", "b", "c"};
    server.ask({"CONFIG", "SET", "maxmemory", "1"});
    const auto before = one.counters().connects.value();
    server.ask({"CLIENT", "KILL", "TYPE", "normal"});
    const auto is_right = [&] {
      const Names names = one.names();
      CHECK((names == all || names.begin()->starts_with('(')));
      return names == all;
    };
    CHECK(comes_true([&] { return is_right() && one.counters().connects.value() >= before + 4; }));
    CHECK(comes_true(is_right));
  }

  TEST_CASE("says so while Redis is away") {
    Server server;
    Member one(server);
    one.put("ann", "1");
    server.kill();
    CHECK(comes_true([&] { return !one.try_read(); }));
    const auto entries = one.try_read();
    REQUIRE(!entries.has_value());
    CHECK(entries.error().what.starts_with("Redis is away: "));
  }

  TEST_CASE("refuses a list that is larger than it may be") {
    const Server server;
    Member one(server);
    one.put("small", std::string(9'900, 'x'));
    CHECK(one.names() == Names{"small"});
    one.put("one more", std::string(100, 'x'));
    CHECK(one.names() == Names{"(the list is larger than history.roster_bytes)"});
  }

  TEST_CASE("tells all of a revocation, and those that come later of the newest") {
    const Server server;
    const Member one(server);
    const Member other(server);
    const auto at = [](int ms) { return WallTime(Millis(1'790'000'000'000 + ms)); };
    for (int i = 1; i <= 4; ++i) {
      const std::string subject = "subject " + std::to_string(i);
      one.roster().revoke(subject, at(i));
      CHECK(comes_true([&] { return one.revoked().contains(subject); }));
    }
    CHECK(comes_true([&] { return other.revoked().contains("subject 4"); }));
    CHECK(other.revoked().at("subject 4") == at(4));
    const Member third(server);
    CHECK(comes_true([&] { return third.revoked().size() == 3; }));
    CHECK(!third.revoked().contains("subject 1"));
  }

  TEST_CASE("keeps a revocation for as long as Redis takes nothing") {
    const Server server;
    const Member one(server);
    const Member other(server);
    one.roster().revoke("ann", WallTime(Millis(1'790'000'000'000)));
    CHECK(comes_true([&] { return other.revoked().contains("ann"); }));
    server.ask({"CONFIG", "SET", "maxmemory", "1"});
    one.roster().revoke("bob", WallTime(Millis(1'790'000'000'001)));
    CHECK(one.roster().untold() == 1);
    CHECK(comes_true([&] { return one.counters().untold.value() == 1; }));
    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(comes_true([&] { return other.revoked().contains("bob"); }));
    CHECK(comes_true([&] { return one.roster().untold() == 0; }));
  }

  TEST_CASE("tells again of what Redis has lost") {
    const Server server;
    const Member one(server);
    one.roster().revoke("ann", WallTime(Millis(1'790'000'000'000)));
    CHECK(comes_true([&] { return one.revoked().contains("ann"); }));
    SUBCASE("with all that is known of instances") {
      server.ask({"DEL", "{sluice}:revoked", "{sluice}:instances"});
    }
    SUBCASE("with a history") {
      server.ask({"FLUSHALL"});
    }
    SUBCASE("and nothing else, as a replica had that lagged and is the master now") {
      server.ask({"ZREM", "{sluice}:revoked", "1790000000000 ann"});
      server.ask({"CLIENT", "KILL", "TYPE", "normal"});
    }
    CHECK(comes_true([&] { return server.ask({"EXISTS", "{sluice}:revoked"}) == "1"; }));
    const Member other(server);
    CHECK(comes_true([&] { return other.revoked().contains("ann"); }));
  }

  TEST_CASE("keeps a revocation for as long as Redis is away") {
    Server server;
    const Member one(server);
    server.kill();
    one.roster().revoke("ann", WallTime(Millis(1'790'000'000'000)));
    server.start();
    CHECK(comes_true([&] { return one.revoked().contains("ann"); }));
  }
}

}  // namespace
}  // namespace sluice::redis
