/// Redis serves by halves: it greets and reads, and takes nothing; or it takes what others bring.
#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

sse::Draft once(const std::string& key) {
  return {.topics = {"t"}, .data = "x", .once = key};
}

/// Takes no more memory, for as long as this lives.
class Full {
 public:
  explicit Full(const Server& server) : server_(server) { set("1"); }
  ~Full() { set("0"); }
  Full(const Full&) = delete;
  Full& operator=(const Full&) = delete;

 private:
  void set(const std::string& bytes) { server_.ask({"CONFIG", "SET", "maxmemory", bytes}); }
  const Server& server_;
};

TEST_SUITE("a Redis that takes nothing") {
  TEST_CASE("lets an instance start, for those who read") {
    const Server server;
    static_cast<void>(Instance(server).append({draft("t")}));
    std::optional<Full> full(server);
    const Instance it(server);
    CHECK(positions_of(it.read_all()) == Numbers{1});
    CHECK(contains(it.try_append({draft("t")}).error().what, "raise its maxmemory"));
    full.reset();
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
  }

  TEST_CASE("lets no history begin") {
    const Server server;
    const Full full(server);
    Options options;
    options.link.url = server.url();
    CHECK(contains(why_not(options), "raise its maxmemory"));
  }

  TEST_CASE("has what it took before: a repeat is told so") {
    const Server server;
    const Instance it(server);
    const Receipts first = it.append({once("k")});
    const Full full(server);
    const Receipts second = it.append({once("k")});
    CHECK(second[0].is_repeat);
    CHECK(second[0].id == first[0].id);
  }

  TEST_CASE("is away until it has answered what it owed, however often it greets") {
    const Server server;
    Options options = Instance::quick(server);
    options.publish_timeout = 300ms;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"CLIENT", "PAUSE", "60000", "WRITE"});
    CHECK_FALSE(it.try_append({draft("t")}).has_value());
    CHECK(comes_true([&] { return !it.journal->trouble().empty(); }));
    const auto before = it.own.losses.value();
    CHECK(comes_true([&] {
      CHECK_FALSE(it.journal->trouble().empty());
      return it.own.losses.value() >= before + 6;
    }));
    server.ask({"CLIENT", "UNPAUSE"});
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
  }
}

TEST_SUITE("an event that Redis refuses") {
  TEST_CASE("is refused by itself, whatever was sent with it") {
    const Server server;
    const Instance it(server);
    sse::Draft odd = draft("t");
    odd.id = it.journal->epoch() + "-" + std::string(30, '9');
    std::vector<std::future<Result<Receipts>>> answers;
    for (int i = 0; i < 60; ++i)
      answers.push_back(it.begin_append({i % 3 == 0 ? odd : draft("t")}));
    std::size_t kept = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const auto answer = answers[i].get();
      CAPTURE(i);
      CHECK(answer.has_value() == (i % 3 != 0));
      if (answer) ++kept;
      if (!answer) CHECK(contains(answer.error().what, "an id must not be"));
    }
    CHECK(server.ask({"XLEN", "sluice"}) == std::to_string(kept));
  }
}

TEST_SUITE("a history whose state is gone") {
  TEST_CASE("is found to be another one though somebody else goes on to append") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    const std::string sha = server.ask({"SCRIPT", "LOAD", kScript});
    server.ask({"DEL", "{sluice}:state"});
    CHECK(comes_true([&] {
      server.converse(
          {"EVALSHA", sha, "1", "sluice", "append", "", "", "4", "topic", "t", "data", "x"});
      return it.is_replaced.load();
    }));
  }
}

}  // namespace
}  // namespace sluice::redis
