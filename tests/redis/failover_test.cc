/// Replicas: waiting for them, and what happens when one that lags becomes the master.
#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

Server::Options replica_of(const Server& master) {
  return {"--replicaof", "127.0.0.1 " + master.port()};
}
/// Copies begin at once.
const Server::Options kMaster{"--repl-diskless-sync-delay", "0"};

bool is_linked(const Server& replica) {
  return contains(replica.try_ask({"INFO", "replication"}), "master_link_status:up");
}

/// A pair, of which the replica can be left behind and made the master in the other's place.
struct Pair {
  Pair() {
    REQUIRE(comes_true([&] { return is_linked(replica); }));
    // Before the master has heard of it once more it sends nothing, which may take a second.
    master.ask({"SET", "probe", "x"});
    REQUIRE(comes_true([&] { return replica.try_ask({"GET", "probe"}) == "x"; }));
  }

  void wait_for_replica() const {
    REQUIRE(comes_true([&] {
      return replica.try_ask({"XLEN", "sluice"}) == master.try_ask({"XLEN", "sluice"});
    }));
  }
  /// It keeps what it has, and hears no more.
  void leave_behind() const { replica.ask({"REPLICAOF", "127.0.0.1", "1"}); }
  void fail_over() {
    const std::string port = master.port();
    master.kill();
    replica.ask({"REPLICAOF", "NO", "ONE"});
    REQUIRE(replica.ask({"CONFIG", "SET", "port", port}) == "OK");
  }

  Server master{kMaster};
  Server replica{replica_of(master)};
};

Options waiting(const Server& server, std::size_t replicas = 1) {
  Options options = Instance::quick(server);
  options.wait_replicas = replicas;
  options.publish_timeout = 1s;
  return options;
}

TEST_SUITE("waiting for replicas") {
  TEST_CASE("an event is answered when one has it") {
    const Pair pair;
    const Instance it(waiting(pair.master));
    for (int i = 1; i <= 20; ++i) {
      static_cast<void>(it.append({draft("t")}));
      CHECK(pair.replica.ask({"XLEN", "sluice"}) == std::to_string(i));
    }
    CHECK(it.own.unconfirmed.value() == 0);
  }

  TEST_CASE("one that is gone: it is kept and shown, and the publisher hears what it lacks") {
    Pair pair;
    const Instance it(waiting(pair.master));
    static_cast<void>(it.append({draft("t")}));
    pair.replica.kill();
    const auto result = it.try_append({draft("t")});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::expired);
    CHECK(contains(result.error().what, "Redis kept this and subscribers get it"));
    CHECK(contains(result.error().what, "0 of 1 replicas"));
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2}; }));
    CHECK(pair.master.ask({"XLEN", "sluice"}) == "2");
    CHECK(it.own.unconfirmed.value() == 1);
    CHECK(it.own.unknown.value() == 0);
    CHECK(it.journal->trouble().empty());
  }

  TEST_CASE(
      "many that wait for one that is gone are told in time, and all goes on when it is back") {
    Pair pair;
    const Instance it(waiting(pair.master));
    static_cast<void>(it.append({draft("t")}));
    pair.replica.freeze();
    std::vector<std::future<Result<Receipts>>> answers;
    for (int i = 0; i < 5; ++i) {
      answers.push_back(it.begin_append({draft("t")}));
      REQUIRE(comes_true([&] { return it.own.calls.value() == 2 + static_cast<unsigned>(i); }));
    }
    for (auto& answer : answers) {
      REQUIRE(answer.wait_for(5s) == std::future_status::ready);
      const auto result = answer.get();
      REQUIRE_FALSE(result.has_value());
      CHECK(result.error().code == Errc::expired);
    }
    pair.replica.thaw();
    CHECK(comes_true([&] { return it.try_append({draft("t")}).has_value(); }));
    CHECK(it.own.again.value() == 0);  // No wait was taken for a server that does not answer.
  }

  TEST_CASE("the same again, under its idempotency key, waits for the replica again") {
    Pair pair;
    const Instance it(waiting(pair.master));
    const sse::Draft order{.topics = {"t"}, .data = "x", .once = "order-7"};
    pair.replica.freeze();
    CHECK_FALSE(it.try_append({order}).has_value());
    CHECK_FALSE(it.try_append({order}).has_value());
    pair.replica.thaw();
    REQUIRE(comes_true([&] {
      const auto result = it.try_append({order});
      return result.has_value() && result->front().is_repeat;
    }));
    CHECK(pair.replica.ask({"XLEN", "sluice"}) == "1");
  }

  TEST_CASE("more than there are: it is said how many have it") {
    const Pair pair;
    const Instance it(waiting(pair.master, 2));
    CHECK(contains(it.try_append({draft("t")}).error().what, "1 of 2 replicas"));
  }
}

TEST_SUITE("a fail-over") {
  TEST_CASE("to a replica that has all goes unnoticed") {
    Pair pair;
    const Instance it(waiting(pair.master));
    static_cast<void>(it.append({draft("t"), draft("t")}));
    pair.fail_over();
    Options after = Instance::quick(pair.master);
    const Instance other(after);
    const auto id = other.append({draft("t")})[0].id;
    CHECK(id == it.journal->epoch() + "-3");
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2, 3}; }));
    CHECK_FALSE(it.is_replaced);
    CHECK(it.own.breaks.value() == 0);
  }

  TEST_CASE("to one that lags loses events that were acknowledged: that is seen, and told") {
    Pair pair;
    const Instance it(pair.master);
    const std::string epoch = it.journal->epoch();
    static_cast<void>(it.append({draft("t"), draft("t")}));
    pair.wait_for_replica();
    pair.leave_behind();
    static_cast<void>(it.append({draft("t")}));
    REQUIRE(comes_true([&] { return it.witness.seen() == 3; }));
    pair.fail_over();
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.own.breaks.value() == 1);
    CHECK(contains(it.journal->trouble(), "lost events"));
    CHECK(it.try_append({draft("t")}).error().code == Errc::limit);
    const Instance next(pair.master);
    CHECK(next.journal->epoch() != epoch);
    CHECK(next.find(epoch + "-3") == std::nullopt);  // Who has it is told of the gap.
    CHECK(next.append({draft("t")})[0].id == next.journal->epoch() + "-4");
    CHECK(it.witness.positions() == Numbers{1, 2, 3});
  }

  TEST_CASE("whose lost positions were given again at once is seen all the same") {
    Pair pair;
    const Instance it(pair.master);
    static_cast<void>(it.append({draft("t"), draft("t")}));
    pair.wait_for_replica();
    pair.leave_behind();
    static_cast<void>(it.append({draft("t", "lost")}));
    REQUIRE(comes_true([&] { return it.witness.seen() == 3; }));
    // Somebody else is there before us, and publishes as many as were lost, and more.
    pair.replica.ask({"REPLICAOF", "NO", "ONE"});
    for (int i = 0; i < 5; ++i) {
      pair.replica.ask(
          {"EVAL", kScript, "1", "sluice", "append", "", "", "4", "topic", "t", "data", "new"});
    }
    pair.fail_over();
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.own.breaks.value() == 1);
    CHECK(it.witness.positions() == Numbers{1, 2, 3});  // Nothing new was shown as what follows.
    const Instance next(pair.master);
    CHECK(next.journal->epoch() != it.journal->epoch());
  }

  TEST_CASE("is seen by every instance, and one of them begins the other epoch") {
    Pair pair;
    const Instance it(pair.master);
    const Instance too(pair.master);
    static_cast<void>(it.append({draft("t"), draft("t")}));
    REQUIRE(comes_true([&] { return too.witness.seen() == 2; }));
    pair.wait_for_replica();
    pair.leave_behind();
    static_cast<void>(it.append({draft("t")}));
    REQUIRE(comes_true([&] { return it.witness.seen() == 3 && too.witness.seen() == 3; }));
    pair.fail_over();
    CHECK(comes_true([&] { return it.is_replaced && too.is_replaced; }));
    const Instance next(pair.master);
    const Instance other(pair.master);
    CHECK(next.journal->epoch() == other.journal->epoch());  // One began it, not each its own.
  }
}

}  // namespace
}  // namespace sluice::redis
