/// Finding the master by sentinels, with real ones, and a fail-over that they make.
#include <deque>
#include <set>

#include <fmt/format.h>

#include "gateway/redis/journal.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

/// A master, its replicas, and sentinels that agree quickly.
class Watch {
 public:
  explicit Watch(std::size_t replica_count = 2, std::size_t sentinel_count = 3,
                 std::string_view more = "") {
    servers.emplace_back(Server::Options{"--repl-diskless-sync-delay", "0"});
    for (std::size_t i = 0; i < replica_count; ++i) {
      servers.emplace_back(Server::Options{"--repl-diskless-sync-delay", "0", "--replicaof",
                                           "127.0.0.1", servers[0].port()});
    }
    CHECK(comes_true([&] { return replicas_of(servers[0]) == replica_count; }));
    const std::string configuration = fmt::format(
        "sentinel monitor mymaster 127.0.0.1 {} {}\n"
        "sentinel down-after-milliseconds mymaster 200\n"
        "sentinel failover-timeout mymaster 2000\n"
        "sentinel parallel-syncs mymaster 2\n{}",
        servers[0].port(), sentinel_count / 2 + 1, more);
    for (std::size_t i = 0; i < sentinel_count; ++i) {
      sentinels.emplace_back(Server::Sentinel{configuration});
      sentinels[i].converse({"SENTINEL", "DEBUG", "info-period", "300"});
      sentinels[i].converse({"SENTINEL", "DEBUG", "tilt-trigger", "60000"});  // A busy machine.
      if (sentinel_count == 1) continue;  // It has no other to hear of.
      sentinels[i].converse({"SENTINEL", "DEBUG", "publish-period", "100"});
    }
  }
  void wait_until_agreed() {
    const auto figure = [](const Server& sentinel, std::string_view name) {
      const auto reply = sentinel.converse({"SENTINEL", "MASTER", "mymaster"});
      for (std::size_t i = 0; reply && i + 1 < reply->size(); i += 2) {
        if ((*reply)[i].text() == name) return static_cast<int>(*(*reply)[i + 1].integer());
      }
      return -1;
    };
    for (const Server& sentinel : sentinels) {
      CHECK(comes_true([&] {
        return figure(sentinel, "num-other-sentinels") == static_cast<int>(sentinels.size()) - 1 &&
               figure(sentinel, "num-slaves") == static_cast<int>(servers.size()) - 1;
      }));
    }
  }
  [[nodiscard]] Options options() const {
    Options options = Instance::quick(servers[0]);
    options.link.url.clear();
    options.link.master = "mymaster";
    for (const Server& sentinel : sentinels) options.link.sentinels.push_back(sentinel.address());
    return options;
  }
  [[nodiscard]] std::string why_it_does_not_open(Options options) const {
    options.start_timeout = 300ms;
    return trouble_of_opening(std::move(options));
  }
  static std::string trouble_of_opening(Options options) {
    log::set_level(log::Level::off);
    const SteadyClock clock;
    journal::Counters counters;
    Counters own;
    const auto opened = RedisJournal::open(std::move(options), clock, counters, own);
    return opened ? "" : opened.error().what;
  }
  static std::size_t replicas_of(const Server& server) {
    const std::string info = server.ask({"INFO", "replication"});
    std::size_t online = 0;
    for (std::size_t at = 0; (at = info.find("state=online", at)) != info.npos; ++at) ++online;
    return online;
  }

  std::deque<Server> servers;  ///< The first is the master, to begin with.
  std::deque<Server> sentinels;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_SUITE("by sentinels") {
  TEST_CASE("the master is killed while events come: nothing that was answered is lost") {
    Watch watch;
    watch.wait_until_agreed();
    watch.sentinels[0].kill();  // The first to be asked.
    Options options = watch.options();
    options.wait_replicas = 1;
    const Instance it(options);

    std::deque<std::future<Result<Receipts>>> answers;
    const auto publish_until = [&](auto condition) {
      CHECK(comes_true([&] {
        answers.push_back(it.begin_append({draft("t", std::to_string(answers.size()))}));
        return condition();
      }));
    };
    publish_until([&] { return it.witness.seen() >= 20; });
    watch.servers[0].kill();
    publish_until([&] { return it.own.moves.value() >= 1; });
    const std::size_t moved_at = answers.size();
    publish_until([&] { return answers.size() == moved_at + 20; });

    std::set<std::string> kept;
    std::size_t answered_behind_it = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i].get()) continue;
      kept.insert(std::to_string(i));
      if (i >= moved_at) ++answered_behind_it;
    }
    CHECK(kept.size() >= 20);
    // What the tail had shown and the replica had not is no loss of what was answered, but a break.
    CHECK((it.is_replaced || answered_behind_it > 0));

    const Instance next(options);
    static_cast<void>(next.append({draft("t", "last")}));
    std::set<std::string> held;
    for (const auto& event : next.read_all().events) {
      const std::string& wire = event->wire;
      const std::size_t data = wire.find("data: ") + 6;
      CHECK(held.insert(wire.substr(data, wire.find('\n', data) - data)).second);
    }
    for (const std::string& text : kept) CHECK_MESSAGE(held.contains(text), text);
    CHECK(held.contains("last"));
  }

  TEST_CASE("another becomes the master: the old one is left before it knows that it is none") {
    Watch watch(1, 1);
    watch.wait_until_agreed();
    Options options = watch.options();
    options.link.sentinel_interval = 50ms;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    CHECK(comes_true([&] { return watch.servers[1].try_ask({"XLEN", "sluice"}) == "1"; }));
    // "NOGOODSLAVE" until it has asked the replica how it is.
    CHECK(comes_true([&] {
      return watch.sentinels[0].try_ask({"SENTINEL", "FAILOVER", "mymaster"}) == "OK";
    }));
    CHECK(comes_true([&] { return it.own.moves.value() == 1; }));
    CHECK(has(watch.servers[0].ask({"INFO", "replication"}), "role:master"));
    static_cast<void>(it.append({draft("t")}));
    CHECK(watch.servers[1].ask({"XLEN", "sluice"}) == "2");
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2}; }));
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("nobody is found by a name that they do not know, and is told where the names are") {
    const Watch watch(0, 1);
    Options options = watch.options();
    options.link.master = "yourmaster";
    const std::string trouble = watch.why_it_does_not_open(options);
    CHECK(has(trouble, "no sentinel names the master \"yourmaster\""));
    CHECK(has(trouble, fmt::format("history.master has to be a name that `redis-cli -p {} SENTINEL "
                                   "MASTERS` shows",
                                   watch.sentinels[0].port())));
  }

  TEST_CASE("who names Redis itself instead of them is told so") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.sentinels = {server.address()};
    options.start_timeout = 300ms;
    CHECK(has(Watch::trouble_of_opening(options), "it is no sentinel: history.sentinels names"));
  }

  TEST_CASE("each of those that are not there is told, and why") {
    Options options;
    options.link.sentinels = {fmt::format("127.0.0.1:{}", Server::free_port()),
                              fmt::format("127.0.0.1:{}", Server::free_port())};
    options.link.master = "mymaster";
    options.start_timeout = 300ms;
    const std::string trouble = Watch::trouble_of_opening(options);
    for (const std::string& sentinel : options.link.sentinels) {
      CHECK(has(trouble, sentinel + ": connection refused"));
    }
    CHECK(has(trouble, "are history.sentinels and history.master right?"));
  }

  TEST_CASE("one that takes the connection and says nothing is passed over in time") {
    Watch watch(0, 2);
    watch.sentinels[0].freeze();
    Options options = watch.options();
    options.link.sentinel_timeout = 50ms;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    CHECK(it.own.moves.value() == 0);
  }

  TEST_CASE("they have a login of their own") {
    const Watch watch(0, 1, "requirepass secret\n");
    Options options = watch.options();
    CHECK(has(watch.why_it_does_not_open(options),
              "see history.sentinel_user, "
              "history.sentinel_password_file"));
    options.link.sentinel_password = "wrong";
    CHECK(has(watch.why_it_does_not_open(options), "it refuses the login (WRONGPASS"));
    options.link.sentinel_password = "secret";
    const Instance it(options);
    CHECK(it.append({draft("t")}).size() == 1);
  }
}

}  // namespace
}  // namespace sluice::redis
