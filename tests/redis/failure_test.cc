/// What the Redis journal does when Redis fails, each with a real redis-server that is hurt.
#include "gateway/redis/journal.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

const Server::Options kDurable{"--appendonly", "yes", "--appendfsync", "always"};

TEST_SUITE("when Redis fails") {
  TEST_CASE("killed and started again: nothing that was answered is lost, nothing comes twice") {
    Server server(kDurable);
    const Instance it(server);
    std::vector<std::future<Result<Receipts>>> answers;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 100; ++i) answers.push_back(it.begin_append({draft("t")}));
      server.kill();
      CHECK(comes_true([&] { return !it.journal->trouble().empty(); }));
      server.start();
    }
    for (auto& answer : answers) CHECK(answer.get().has_value());
    CHECK(comes_true([&] { return it.witness.seen() == 300; }));
    CHECK(it.witness.positions() == numbers_up_to(300));
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("frozen: publishers wait, and when it goes on they have their answers") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.freeze();
    auto answer = it.begin_append({draft("t")});
    CHECK(comes_true([&] { return it.journal->trouble().find("away") != std::string::npos; }));
    server.thaw();
    CHECK(answer.get().has_value());
    CHECK(comes_true([&] { return it.witness.seen() == 2; }));
    CHECK(server.ask({"XLEN", "sluice"}) == "2");  // It was sent again, and appended once.
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("for too long: who was never sent is told so, of who was sent nobody knows") {
    const Server server;
    Options options = Instance::quick(server);
    options.publish_timeout = 1s;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.freeze();
    auto sent = it.begin_append({draft("t")});
    REQUIRE(comes_true([&] { return !it.journal->trouble().empty(); }));
    const auto never_sent = it.try_append({draft("t")});
    REQUIRE_FALSE(never_sent.has_value());
    CHECK(never_sent.error().code == Errc::limit);
    const auto unknown = sent.get();
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == Errc::expired);
    CHECK(it.own.unknown.value() == 1);
    server.thaw();
  }

  TEST_CASE("the script forgotten: it is loaded again") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"SCRIPT", "FLUSH"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
  }

  TEST_CASE("out of memory: publishers are told at once, and what to do") {
    const Server server({"--maxmemory-policy", "noeviction"});
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"CONFIG", "SET", "maxmemory", "1"});
    const auto refused = it.try_append({draft("t")});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::limit);
    CHECK(refused.error().what.find("raise its maxmemory") != std::string::npos);
    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
  }

  TEST_CASE("too few replicas: publishers are told at once") {
    const Server server;
    const Instance it(server);
    server.ask({"CONFIG", "SET", "min-replicas-to-write", "1"});
    CHECK(it.try_append({draft("t")}).error().what.find("min-replicas-to-write") !=
          std::string::npos);
  }

  TEST_CASE("made a replica: it is left alone until it is a master again") {
    const Server server;
    const Server other;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"REPLICAOF", "127.0.0.1", "1"});  // Nobody is there: it keeps what it has.
    auto answer = it.begin_append({draft("t")});
    CHECK(comes_true(
        [&] { return it.journal->trouble().find("is a replica now") != std::string::npos; }));
    server.ask({"REPLICAOF", "NO", "ONE"});
    CHECK(answer.get().has_value());
    CHECK(it.witness.positions() == Numbers{1, 2});
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("emptied: another history is not taken for the one that was followed") {
    const Server server;
    const Instance it(server);
    const std::string epoch = it.journal->epoch();
    static_cast<void>(it.append({draft("t"), draft("t")}));
    server.ask({"FLUSHALL"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.try_append({draft("t")}).error().code == Errc::limit);
    const Instance next(server);
    CHECK(next.journal->epoch() != epoch);
    CHECK(next.append({draft("t")})[0].id == next.journal->epoch() + "-1");
    CHECK(it.witness.positions() == Numbers{1, 2});
  }

  TEST_CASE("a fail-over that lost events, whose positions are given again, is seen by all") {
    Server server(kDurable);
    const Instance it(server);
    const Instance other(server);
    const std::string epoch = it.journal->epoch();
    static_cast<void>(it.append({draft("t"), draft("t"), draft("t")}));
    REQUIRE(comes_true([&] { return other.witness.seen() == 3; }));
    // As a replica that had two of three would be.
    server.ask({"XDEL", "sluice", "3-0"});
    server.ask({"XSETID", "sluice", "2-0"});
    server.ask({"HSET", "{sluice}:state", "seq", "2"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(comes_true([&] { return other.is_replaced.load(); }));
    const Instance next(server);
    CHECK(next.journal->epoch() != epoch);
    CHECK(it.witness.positions() == Numbers{1, 2, 3});
  }

  TEST_CASE("another event in the place of the last one that was seen is not believed") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"HSET", "{sluice}:state", "mark", "7"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.own.breaks.value() == 1);
  }

  TEST_CASE("away longer than history reaches: the hole is seen, and not passed over") {
    Server server({"--stream-node-max-entries", "1"});
    Options options = Instance::quick(server);
    options.retention.events = 2;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    // What a stranger does in one step comes between two looks.
    server.ask({"EVAL",
                "for i = 2, 9 do redis.call('XADD', 'sluice', i .. '-0', 'topic', 't', 'time', i, "
                "'prev', 1, 'at', 0) end redis.call('XTRIM', 'sluice', 'MAXLEN', 2)",
                "0"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.witness.positions() == Numbers{1});
  }
}

}  // namespace
}  // namespace sluice::redis
