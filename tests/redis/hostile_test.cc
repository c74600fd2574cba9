/// What has to hold whatever comes: late bytes, keys of another type, clocks that are set back.
#include <set>

#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

/// A call of the journal's script by somebody with nothing but a Redis client.
class Caller {
 public:
  explicit Caller(const Server& server)
      : server_(server), sha_(server.ask({"SCRIPT", "LOAD", kScript})) {}

  /// The ids that the script answers with, or what it refuses with.
  [[nodiscard]] Texts append(std::string_view sender, const Words& event) const {
    Words words{"EVALSHA", sha_, "1",    "sluice",
                "append",  "",   sender, std::to_string(event.count())};
    words.add(event);
    const auto reply = server_.converse(words);
    REQUIRE(reply.has_value());
    if (reply->is_error()) return {std::string(reply->text())};
    Texts ids;
    for (std::size_t i = 0; i < reply->size(); i += 3) ids.emplace_back((*reply)[i].text());
    return ids;
  }

 private:
  const Server& server_;
  const std::string sha_;
};

const Words kEvent{"topic", "t", "data", "x"};

TEST_SUITE("a call of the script") {
  TEST_CASE("whose first copy comes behind the second one is done once") {
    const Server server;
    const Instance it(server);
    const Caller caller(server);
    const auto first = caller.append("s:1", kEvent);
    CHECK(caller.append("s:1", kEvent) == first);
    CHECK(server.ask({"XLEN", "sluice"}) == "1");
  }

  TEST_CASE("that 256 others of its sender overtook is refused: nobody knows what became of it") {
    const Server server;
    const Instance it(server);
    const Caller caller(server);
    for (int i = 2; i <= 257; ++i) {
      static_cast<void>(caller.append("s:" + std::to_string(i), kEvent));
    }
    CHECK(contains(caller.append("s:1", kEvent)[0], "overtaken by 256 others"));
    CHECK(server.ask({"XLEN", "sluice"}) == "256");
  }

  TEST_CASE("gives nobody an id that is a cursor") {
    const Server server;
    const Instance it(server);
    const Caller caller(server);
    for (const std::string& id :
         {it.journal->epoch() + "-1", std::string("earliest"), std::string("#1")}) {
      CAPTURE(id);
      Words event{"topic", "t", "data", "x", "id", id};
      CHECK(contains(caller.append("", event)[0], "an id must not be one that the gateway gives"));
    }
    CHECK(server.ask({"XLEN", "sluice"}) == "0");
  }

  TEST_CASE("makes no event of more topics than an instance would take") {
    const Server server;
    const Instance it(server);
    const Caller caller(server);
    Words most;
    for (int i = 0; i < 1000; ++i) most.add(Words{"topic", "t"});
    CHECK(caller.append("", most)[0] == it.journal->epoch() + "-1");
    most.add(Words{"topic", "t"});
    CHECK(contains(caller.append("", most)[0], "1000 at most"));
    CHECK(comes_true([&] { return it.witness.seen() == 1; }));
  }

  TEST_CASE("counts what stands around the values, too") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_bytes = 1_MiB;
    const Instance it(options);
    const Caller caller(server);
    Words event;
    for (int i = 0; i < 1000; ++i) event.add(Words{"topic", std::string(257, 't')});
    CHECK(contains(caller.append("", event)[0], "more than 262144 bytes"));
  }
}

TEST_SUITE("a key that others made anew as something else") {
  TEST_CASE("ends a call underway: nobody says that nothing was kept") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"SET", "{sluice}:ids", "x"});
    sse::Draft own = draft("t");
    own.id = "mine";
    const auto result = it.try_append({own});
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::expired);
    CHECK(contains(result.error().what, "WRONGTYPE"));
    // It was kept; what comes behind it stands behind it, and all is shown.
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-3");
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2, 3}; }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("before anything is written: nothing is") {
    const Server server;
    const Instance it(server);
    server.ask({"SET", "{sluice}:once:at", "x"});
    sse::Draft order = draft("t");
    order.once = "order-7";
    CHECK_FALSE(it.try_append({draft("t"), order}).has_value());
    CHECK(server.ask({"XLEN", "sluice"}) == "0");
  }

  TEST_CASE("or bounds that are no numbers: they do not bound") {
    const Server server;
    const Instance it(server);
    server.ask({"HSET", "{sluice}:state", "max_events", "abc", "max_bytes", ""});
    CHECK(it.append({draft("t")}).size() == 1);
  }

  TEST_CASE("is no place: who comes back is told that it cannot be asked, and not sent elsewhere") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append(std::vector(60, draft("t"))));
    server.ask({"SET", "{sluice}:ids", "x"});
    std::promise<bool> is_known;
    it.journal->find("urn:mine", [&](const auto& found) { is_known.set_value(found.has_value()); });
    CHECK_FALSE(is_known.get_future().get());
  }
}

TEST_SUITE("a clock that is behind") {
  TEST_CASE("gives no event the mark of one that stood there before") {
    const Server server;
    const Instance it(server);
    const Caller caller(server);
    std::set<std::string> marks;
    for (int i = 0; i < 20; ++i) {
      server.ask({"HSET", "{sluice}:state", "mark", "4000000000000000"});
      static_cast<void>(caller.append("", kEvent));
      marks.insert(server.ask({"HGET", "{sluice}:state", "mark"}));
    }
    CHECK(marks.size() > 1);
  }

  TEST_CASE("forgets the oldest of what was seen lately, not the newest") {
    const Server server;
    Options options = Instance::quick(server);
    options.repeats.keys = 2;
    const Instance it(options);
    const Caller caller(server);
    const auto publish = [&](std::string_view once) {
      return caller.append("", Words{"topic", "t", "once", once});
    };
    server.ask({"HSET", "{sluice}:state", "mark", "4000000000000000"});
    for (const char* once : {"first", "second", "third", "fourth"}) {
      const auto id = publish(once);
      CHECK(publish(once) == id);
    }
  }
}

TEST_SUITE("an event that is larger than an answer may be") {
  TEST_CASE("is missing for readers of history, who get what stands around it") {
    const Server server;
    const Instance publisher(server);
    static_cast<void>(
        publisher.append({draft("t"), draft("t", std::string(100_KiB, 'x')), draft("t")}));
    Options options = Instance::quick(server);
    options.link.answer_bytes = 64_KiB;
    const Instance it(options);
    const Page page = it.read_all();
    CHECK(positions_of(page) == Numbers{1, 3});
    CHECK(page.missing == sse::Position(2));
  }
}

TEST_SUITE("who follows and has too much") {
  TEST_CASE("is not sent more: Redis keeps it, and all of it comes") {
    const Server server;
    const Instance publisher(server);
    Instance it(server);
    it.witness.set_room(false);
    static_cast<void>(it.append({draft("t")}));  // What was asked for already comes all the same.
    for (int i = 0; i < 10; ++i) static_cast<void>(publisher.append(std::vector(100, draft("t"))));
    CHECK(it.witness.seen() <= 513);
    const std::size_t seen = it.witness.seen();
    static_cast<void>(publisher.append({draft("t")}));
    CHECK(it.witness.seen() == seen);
    CHECK(it.own.held.value() >= 1);
    it.witness.set_room(true);
    CHECK(comes_true([&] { return it.witness.seen() == 1002; }));
    CHECK_FALSE(it.is_replaced);
  }
}

}  // namespace
}  // namespace sluice::redis
