/// What the Redis journal does when Redis fails, each with a real redis-server that is hurt.
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "gateway/redis/journal.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

const Server::Options kDurable{"--appendonly", "yes", "--appendfsync", "always"};

/// Of an append that is refused at once: nothing was kept.
std::string refusal_of(const Instance& it) {
  const auto refused = it.try_append({draft("t")});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::limit);
  return refused.error().what;
}

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
    CHECK(contains(refusal_of(it), "raise its maxmemory"));
    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
    CHECK(it.journal->trouble().empty());
  }

  TEST_CASE("too few replicas: publishers are told at once") {
    const Server server;
    const Instance it(server);
    server.ask({"CONFIG", "SET", "min-replicas-to-write", "1"});
    CHECK(contains(refusal_of(it), "min-replicas-to-write"));
    server.ask({"CONFIG", "SET", "min-replicas-to-write", "0"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-1");
  }

  TEST_CASE("a disk that it cannot write to: publishers are told at once, and where to look") {
    const Server server({"--save", "3600 1000"});
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    const auto save = [&] {
      server.ask({"BGSAVE"});
      REQUIRE(
          comes_true([&] { return contains(server.ask({"INFO"}), "rdb_bgsave_in_progress:0"); }));
    };
    const std::string in_its_way = server.path("dump.rdb");
    REQUIRE(::mkdir(in_its_way.c_str(), 0700) == 0);
    save();
    REQUIRE(contains(server.ask({"INFO"}), "rdb_last_bgsave_status:err"));
    CHECK(contains(refusal_of(it), "Redis cannot write to its disk"));
    REQUIRE(::rmdir(in_its_way.c_str()) == 0);
    save();
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
  }

  TEST_CASE("busy with somebody's script: publishers wait until it is over, or are told why") {
    const Server server({"--busy-reply-threshold", "10"});
    Options options = Instance::quick(server);
    options.publish_timeout = 3s;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    std::thread busy([&] {
      static_cast<void>(server.try_ask({"EVAL", "while true do end", "0"}));
    });
    REQUIRE(comes_true([&] { return server.try_ask({"GET", "x"}).starts_with("BUSY"); }));
    auto answer = it.begin_append({draft("t")});
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "SCRIPT KILL"); }));
    SUBCASE("it ends") {
      server.ask({"SCRIPT", "KILL"});
      CHECK(answer.get()->front().id == it.journal->epoch() + "-2");
    }
    SUBCASE("it goes on") {
      const auto refused = answer.get();
      REQUIRE_FALSE(refused.has_value());
      // Whether its first call was carried out is known where Redis said that it was not.
      CHECK((refused.error().code == Errc::limit || refused.error().code == Errc::expired));
      server.ask({"SCRIPT", "KILL"});
    }
    busy.join();
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("loading what it has on its disk: publishers wait until it has") {
    Server server({"--appendonly", "yes", "--appendfsync", "always", "--key-load-delay", "500",
                   "--loading-process-events-interval-bytes", "1024"});
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask(
        {"EVAL", "for i = 1, 3000 do redis.call('SET', 'k' .. i, string.rep('x', 99)) end", "0"});
    server.kill();
    server.start();
    auto answer = it.begin_append({draft("t")});
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "loads what it has"); }));
    CHECK(answer.get()->front().id == it.journal->epoch() + "-2");
    CHECK(it.witness.positions() == Numbers{1, 2});
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("refused when it is asked again whether it was kept: nobody claims to know") {
    Server server(kDurable);
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.freeze();
    auto answer = it.begin_append({draft("t")});
    REQUIRE(comes_true([&] { return it.own.calls.value() == 2; }));
    server.kill();
    server.start({"--min-replicas-to-write", "1"});
    const auto unknown = answer.get();
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().code == Errc::expired);
    CHECK(contains(unknown.error().what, "it may have"));
    CHECK(contains(unknown.error().what, "min-replicas-to-write"));
    CHECK(it.own.unknown.value() == 1);
    CHECK(contains(refusal_of(it), "min-replicas-to-write"));
  }

  TEST_CASE("made a replica, seen by one who may not ask for the role: publishers wait") {
    const Server server;
    server.ask({"ACL", "SETUSER", "sluice", "on", ">pw", "~*", "+@all", "-role"});
    Options options = Instance::quick(server);
    options.link.user = "sluice";
    options.link.password = "pw";
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"REPLICAOF", "127.0.0.1", "1"});
    auto answer = it.begin_append({draft("t")});
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "it is a replica now"); }));
    server.ask({"REPLICAOF", "NO", "ONE"});
    CHECK(answer.get()->front().id == it.journal->epoch() + "-2");
    CHECK_FALSE(it.is_replaced);
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
                "for i = 2, 9 do redis.call('XADD', 'sluice', i .. '-0', 'event', i .. ' 1 "
                "0\\ntopic t\\n\\n') end redis.call('XTRIM', 'sluice', 'MAXLEN', 2)",
                "0"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.witness.positions() == Numbers{1});
  }
}

}  // namespace
}  // namespace sluice::redis
