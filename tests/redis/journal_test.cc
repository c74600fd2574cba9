#include "gateway/redis/journal.h"

#include <thread>

#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

TEST_SUITE("the Redis journal") {
  TEST_CASE("shows every event to all instances, once and in one order, whoever appended it") {
    const Server server;
    const Instance one(server);
    const Instance other(server);
    CHECK(one.journal->epoch() == other.journal->epoch());
    std::vector<std::thread> publishers;
    for (const Instance* instance : {&one, &other}) {
      for (int i = 0; i < 2; ++i) {
        publishers.emplace_back([instance] {
          for (int j = 0; j < 250; ++j)
            static_cast<void>(instance->append({draft("a"), draft("b")}));
        });
      }
    }
    for (std::thread& publisher : publishers) publisher.join();
    for (const Instance* instance : {&one, &other}) {
      CHECK(comes_true([&] { return instance->witness.seen() == 2000; }));
      CHECK(instance->witness.positions() == numbers_up_to(2000));
    }
    CHECK(one.witness.at(700)->wire == other.witness.at(700)->wire);
  }

  TEST_CASE("goes on where it was, in another process") {
    const Server server;
    std::string epoch;
    {
      const Instance first(server);
      epoch = first.journal->epoch();
      CHECK(first.append({draft("a")})[0].id == epoch + "-1");
    }
    const Instance second(server);
    CHECK(second.journal->epoch() == epoch);
    CHECK(second.journal->last() == sse::Position(1));
    CHECK(second.append({draft("a")})[0].id == epoch + "-2");
    CHECK(second.witness.positions() == Numbers{2});
    CHECK(positions_of(second.read_all()) == Numbers{1, 2});
  }

  TEST_CASE("takes what a client of Redis appends by the script") {
    const Server server;
    const Instance it(server);
    const std::string sha = server.ask({"SCRIPT", "LOAD", kScript});
    server.ask({"EVALSHA", sha, "1", "sluice", "append", "", "", "8", "topic", "orders", "topic",
                "all", "data", "two\nlines", "type", "paid"});
    REQUIRE(comes_true([&] { return it.witness.seen() == 1; }));
    const sse::EventPtr event = it.witness.at(0);
    CHECK(event->topics == Texts{"orders", "all"});
    CHECK(event->wire ==
          "id: " + it.journal->epoch() + "-1\nevent: paid\ndata: two\ndata: lines\n\n");
  }

  TEST_CASE("the script takes all events of a call, or none") {
    const Server server;
    const Instance it(server);
    const std::string sha = server.ask({"SCRIPT", "LOAD", kScript});
    const auto append = [&](std::initializer_list<std::string_view> second) {
      Words words{"EVALSHA", sha, "1", "sluice", "append", "", "", "4", "topic", "t", "data", "x"};
      words.add(Words(second));
      return server.try_ask(words);
    };
    CHECK(append({"2", "data", "no topic"}).starts_with("ERR an event needs a topic"));
    CHECK(append({"4", "topic", "t", "colour", "red"})
              .starts_with("ERR no event has a field colour"));
    CHECK(
        append({"4", "topic", "t", "id", "a\nb"}).starts_with("ERR id holds a control character"));
    CHECK(append({"4", "topic", "t", "ttl", "soon"}).starts_with("ERR ttl is no number"));
    CHECK(append({"3", "topic", "t", "data"}).starts_with("ERR an event begins with the number"));
    CHECK(server.ask({"XLEN", "sluice"}) == "0");
    CHECK(it.append({draft("a")})[0].id == it.journal->epoch() + "-1");
  }

  TEST_CASE("an id that another instance gave is found here, even before its event is") {
    const Server server;
    const Instance one(server);
    const Instance other(server);
    const std::string id = one.append({draft("a")})[0].id;
    CHECK(other.find(id) == 1);
    CHECK(other.find(one.journal->epoch() + "-2") == std::nullopt);
  }

  TEST_CASE("a repeat is recognised by whichever instance it comes to") {
    const Server server;
    const Instance one(server);
    const Instance other(server);
    const sse::Draft order{.topics = {"t"}, .data = "x", .once = "order-7"};
    const auto first = one.append({order, draft("t"), order});
    CHECK(first[2].is_repeat);
    const auto second = other.append({order});
    CHECK(second[0].is_repeat);
    CHECK(second[0].id == first[0].id);
    CHECK(server.ask({"XLEN", "sluice"}) == "2");
  }

  TEST_CASE("no more repeats are remembered than history.idempotency_keys") {
    const Server server;
    Options options = Instance::quick(server);
    options.repeats.keys = 3;
    const Instance it(options);
    for (int i = 0; i < 8; ++i) {
      static_cast<void>(it.append({{.topics = {"t"}, .data = "x", .once = std::to_string(i)}}));
    }
    CHECK(server.ask({"HLEN", "{sluice}:once"}) == "3");
    CHECK(server.ask({"ZCARD", "{sluice}:once:at"}) == "3");
    CHECK(it.append({{.topics = {"t"}, .data = "x", .once = "7"}})[0].is_repeat);
    CHECK_FALSE(it.append({{.topics = {"t"}, .data = "x", .once = "0"}})[0].is_repeat);
  }

  TEST_CASE("holds about as many events, and bytes, as it may, and says where history begins") {
    const Server server;
    Options options = Instance::quick(server);
    SUBCASE("events") {
      options.retention.events = 300;
    }
    SUBCASE("bytes") {
      options.retention.bytes = 300 * 164;
    }
    const Instance it(options);
    for (int i = 0; i < 20; ++i) {
      static_cast<void>(it.append(std::vector(50, draft("t", std::string(99, 'x')))));
    }
    const auto held = std::stoul(server.ask({"XLEN", "sluice"}));
    CHECK(held >= 300);
    CHECK(held <= 400);  // A node of the stream more.
    REQUIRE(comes_true([&] { return it.journal->evicted() == sse::Position(1000 - held); }));
    const Page page = it.read_all();
    CHECK(page.events.size() == held);
    CHECK(page.missing == it.journal->evicted());
    CHECK(it.counters.writer.events.value() == static_cast<std::int64_t>(held));
    CHECK(it.counters.writer.bytes.value() == static_cast<std::int64_t>(held) * 164);
  }

  TEST_CASE("shows more than it keeps to all who follow, before it goes") {
    const Server server({"--stream-node-max-entries", "1"});
    Options options = Instance::quick(server);
    options.retention.events = 10;
    const Instance it(options);
    const Instance other(options);
    static_cast<void>(it.append(std::vector(100, draft("t"))));
    CHECK(comes_true([&] { return other.witness.seen() == 100 && it.witness.seen() == 100; }));
    CHECK(comes_true([&] { return server.ask({"XLEN", "sluice"}) == "10"; }));
    CHECK_FALSE(it.is_replaced);
    CHECK_FALSE(other.is_replaced);
  }

  TEST_CASE("lets go of what is too old even where nobody publishes") {
    const Server server({"--stream-node-max-entries", "1"});
    Options options = Instance::quick(server);
    options.retention.age = 100ms;
    const Instance it(options);
    static_cast<void>(it.append({draft("t"), draft("t"), draft("t")}));
    CHECK(comes_true([&] { return server.ask({"XLEN", "sluice"}) == "0"; }));
    CHECK(comes_true([&] { return it.journal->evicted() == sse::Position(3); }));
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-4");
  }

  TEST_CASE("a storm of readers of the same past is one to Redis") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_timeout = 10s;
    std::atomic<int> pages{0};
    const Instance it(options);
    static_cast<void>(it.append(std::vector(100, draft("t"))));
    for (int i = 0; i < 10'000; ++i) {
      it.journal->read(
          {.after = {}, .through = sse::Position(100), .topics = {"t"}, .wants = {}},
          [&](const auto& page) { pages += page && page->events.size() == 100 ? 1 : 0; });
    }
    CHECK(comes_true([&] { return pages == 10'000; }));
    CHECK(it.own.fetches.value() == 1);
  }

  TEST_CASE("says so when too much waits for Redis, and loses nothing of what it took") {
    const Server server;
    Options options = Instance::quick(server);
    options.queue_events = 10;
    const Instance it(options);
    server.freeze();
    std::vector<std::future<Result<Receipts>>> answers;
    for (int i = 0; i < 11; ++i) answers.push_back(it.begin_append({draft("t")}));
    const auto refused = answers.back().get();
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == Errc::limit);
    server.thaw();
    for (std::size_t i = 0; i < 10; ++i) CHECK(answers[i].get().has_value());
    CHECK(it.witness.positions() == numbers_up_to(10));
  }

  TEST_CASE("does not append what it has handed over, and does again when it takes it back") {
    const Server server;
    const Instance it(server);
    it.journal->hand_over();
    CHECK(it.try_append({draft("t")}).error().code == Errc::limit);
    CHECK(it.journal->take_back().has_value());
    CHECK(it.append({draft("t")}).size() == 1);
  }

  TEST_CASE("says what is wrong when Redis cannot be used at the start") {
    Server server({"--requirepass", "secret"});
    Options options = Instance::quick(server);
    CHECK(why_not(options).find("history.password_file") != std::string::npos);
    options.link.password = "wrong";
    CHECK(why_not(options).find("history.password_file") != std::string::npos);
    options.link.password = "secret";
    CHECK(Instance(options).append({draft("t")}).size() == 1);
    server.kill();
    CHECK(why_not(options).find("is it there, and is history.url right?") != std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::redis
