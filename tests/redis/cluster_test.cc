/// A history in one slot of a Redis Cluster: three masters, and a replica of one of them.
#include <deque>
#include <set>

#include <fmt/format.h>

#include "gateway/redis/journal.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

/// The nodes number 0, 1 and 2 have a third of the slots each, and number 3 is a replica of 0.
class Cluster {
 public:
  static constexpr std::size_t kMasters = 3;

  Cluster() {
    for (std::size_t i = 0; i <= kMasters; ++i) {
      nodes.emplace_back(Server::Options{
          "--cluster-enabled", "yes", "--cluster-port",
          std::to_string(ports_.emplace_back(Server::free_port())), "--cluster-node-timeout",
          "2000", "--cluster-require-full-coverage", "no", "--repl-diskless-sync-delay", "0"});
      nodes[i].ask({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
    }
    for (std::size_t i = 0; i < kMasters; ++i) {
      nodes[i].ask({"CLUSTER", "ADDSLOTSRANGE", std::to_string(kSlots * i / kMasters),
                    std::to_string(kSlots * (i + 1) / kMasters - 1)});
    }
    for (std::size_t i = 1; i <= kMasters; ++i) {
      nodes[0].ask({"CLUSTER", "MEET", "127.0.0.1", nodes[i].port(), std::to_string(ports_[i])});
    }
    CHECK(comes_true([&] { return all_see("cluster_known_nodes:4"); }));
    CHECK(comes_true([&] {
      return nodes[kMasters].try_ask({"CLUSTER", "REPLICATE", id(0)}) == "OK";
    }));
    CHECK(comes_true([&] { return all_see("cluster_state:ok"); }));
    CHECK(comes_true([&] {
      return nodes[0].ask({"INFO", "replication"}).find("state=online") != std::string::npos;
    }));
  }
  [[nodiscard]] std::string id(std::size_t i) const { return nodes[i].ask({"CLUSTER", "MYID"}); }
  [[nodiscard]] bool all_see(std::string_view what) const {
    for (const Server& node : nodes) {
      if (node.ask({"CLUSTER", "INFO"}).find(what) == std::string::npos) return false;
    }
    return true;
  }
  /// A key whose slot node `i` has.
  [[nodiscard]] std::string key_of(std::size_t i) const {
    for (int n = 0;; ++n) {
      std::string key = fmt::format("events{}", n);
      const auto slot = static_cast<std::size_t>(std::stoi(slot_of(key)));
      if (slot * kMasters / kSlots == i && used_.insert(key).second) return key;
    }
  }
  [[nodiscard]] std::string slot_of(const std::string& key) const {
    return nodes[1].ask({"CLUSTER", "KEYSLOT", key});
  }
  void begin_to_move(const std::string& key, std::size_t from, std::size_t to) const {
    nodes[to].ask({"CLUSTER", "SETSLOT", slot_of(key), "IMPORTING", id(from)});
    nodes[from].ask({"CLUSTER", "SETSLOT", slot_of(key), "MIGRATING", id(to)});
  }
  void move(const std::string& key, std::size_t from, std::size_t to) const {
    const std::string moved =
        nodes[from].ask({"MIGRATE", "127.0.0.1", nodes[to].port(), key, "0", "5000"});
    CHECK((moved == "OK" || moved == "NOKEY"));
  }
  void move_the_rest(const std::string& key, std::size_t from, std::size_t to) const {
    for (;;) {
      const auto keys = nodes[from].converse({"CLUSTER", "GETKEYSINSLOT", slot_of(key), "100"});
      REQUIRE(keys.has_value());
      if (keys->size() == 0) break;
      for (std::size_t i = 0; i < keys->size(); ++i) {
        move(std::string((*keys)[i].text()), from, to);
      }
    }
    for (const std::size_t node : {to, from}) {
      nodes[node].ask({"CLUSTER", "SETSLOT", slot_of(key), "NODE", id(to)});
    }
  }
  [[nodiscard]] Options options(const std::string& key, std::size_t node) const {
    Options options = Instance::quick(nodes[node]);
    options.key = key;
    return options;
  }

  std::deque<Server> nodes;

 private:
  static constexpr std::size_t kSlots = 16'384;

  std::vector<std::uint16_t> ports_;  ///< On which they speak with each other.
  mutable std::set<std::string> used_;
};

/// Made once, for it takes a few seconds; each case has a history of its own.
Cluster& the_cluster() {
  static Cluster cluster;
  return cluster;
}

TEST_SUITE("in a cluster") {
  TEST_CASE("a start against any node leads to the one that has the slot") {
    const Cluster& cluster = the_cluster();
    const std::string key = cluster.key_of(1);
    for (std::size_t node = 0; node < cluster.nodes.size(); ++node) {
      const Instance it(cluster.options(key, node));
      static_cast<void>(it.append({draft("t")}));
      CHECK(comes_true([&] { return it.witness.seen() == 1; }));
      CHECK(it.own.losses.value() == 0);
      CHECK(it.own.moves.value() == (node == 1 ? 0 : 1));
    }
    CHECK(cluster.nodes[1].ask({"XLEN", key}) == "4");
  }

  TEST_CASE("the slot moves to another node while events come: none is lost, none comes twice") {
    const Cluster& cluster = the_cluster();
    const std::string key = cluster.key_of(1);
    const Instance it(cluster.options(key, 2));
    std::deque<std::future<Result<Receipts>>> answers;
    const auto publish_until = [&](auto condition) {
      CHECK(comes_true([&] {
        answers.push_back(it.begin_append({draft("t")}));
        return condition();
      }));
    };
    publish_until([&] { return it.witness.seen() >= 50; });
    cluster.begin_to_move(key, 1, 2);
    cluster.move("{" + key + "}:state", 1, 2);
    // Of half of what it needs the script does nothing, and says so.
    publish_until(
        [&] { return it.journal->trouble().find("is on its way to") != std::string::npos; });
    cluster.move_the_rest(key, 1, 2);
    publish_until([&] { return it.own.moves.value() == 2; });  // One at the start.
    for (auto& answer : answers) CHECK(answer.get().has_value());
    CHECK(comes_true([&] { return it.witness.seen() == answers.size(); }));
    CHECK(it.witness.positions() == numbers_up_to(answers.size()));
    CHECK(cluster.nodes[2].ask({"XLEN", key}) == std::to_string(answers.size()));
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("a slot that nobody has is told of, and what to look at") {
    const Cluster& cluster = the_cluster();
    const std::string key = cluster.key_of(2);
    for (std::size_t i = 0; i < Cluster::kMasters; ++i) {
      cluster.nodes[i].ask({"CLUSTER", "DELSLOTS", cluster.slot_of(key)});
    }
    Options options = cluster.options(key, 2);
    options.start_timeout = 300ms;
    log::set_level(log::Level::off);
    const SteadyClock clock;
    journal::Counters counters;
    Counters own;
    const auto opened = RedisJournal::open(options, clock, counters, own);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().what.find("see redis-cli --cluster check") != std::string::npos);
  }

  TEST_CASE("nodes that lead from one to the other are not followed without end") {
    const Cluster& cluster = the_cluster();
    const std::string key = cluster.key_of(1);
    // A slot that its owner gives away before the other one takes it.
    cluster.nodes[1].ask({"CLUSTER", "SETSLOT", cluster.slot_of(key), "NODE", cluster.id(2)});
    Options options = cluster.options(key, 1);
    options.start_timeout = 300ms;
    log::set_level(log::Level::off);
    const SteadyClock clock;
    journal::Counters counters;
    Counters own;
    const auto opened = RedisJournal::open(options, clock, counters, own);
    const std::string trouble = opened ? "it opens" : opened.error().what;
    CHECK_MESSAGE(trouble.find("lead from one to the other") != std::string::npos, trouble);
    cluster.nodes[1].ask({"CLUSTER", "SETSLOT", cluster.slot_of(key), "NODE", cluster.id(1)});
  }

  /// The last case: the cluster is not whole behind it.
  TEST_CASE("the slot's master is killed: its replica goes on, though the URL names who is gone") {
    Cluster& cluster = the_cluster();
    const std::string key = cluster.key_of(0);
    Options options = cluster.options(key, 0);
    options.wait_replicas = 1;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    CHECK(comes_true([&] { return it.witness.seen() == 1; }));
    cluster.nodes[0].kill();
    CHECK(comes_true([&] { return it.own.moves.value() > 0 && it.journal->trouble().empty(); }));
    const Instance other(cluster.options(key, 1));
    static_cast<void>(other.append({draft("t")}));
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2}; }));
    CHECK_FALSE(it.is_replaced);
  }
}

}  // namespace
}  // namespace sluice::redis
