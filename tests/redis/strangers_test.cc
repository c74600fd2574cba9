/// What others do to our keys, by hand or by mistake: as the head of journal.lua says.
#include "gateway/redis/opening.h"
#include "gateway/redis/script.h"
#include "tests/redis/help.h"

namespace sluice::redis {
namespace {

void do_in_one_step(const Server& server, std::string_view script) {
  CHECK(server.ask({"EVAL", script, "0"}).find("ERR") != 0);
}

TEST_SUITE("an entry that the script did not write") {
  TEST_CASE("is shown to nobody, is taken out, and is in nobody's way") {
    const Server server;
    const Instance it(server);
    const Instance other(server);
    static_cast<void>(it.append({draft("t"), draft("t")}));
    SUBCASE("behind all others, as XADD * puts it") {
      server.ask({"XADD", "sluice", "*", "topic", "t", "data", "x"});
    }
    SUBCASE("in the next place") {
      server.ask({"XADD", "sluice", "3-0", "topic", "t", "data", "x"});
    }
    SUBCASE("between two places") {
      server.ask({"XADD", "sluice", "2-1", "topic", "t", "data", "x"});
    }
    SUBCASE("at the end of all numbers") {
      server.ask({"XADD", "sluice", "18446744073709551615-18446744073709551615", "a", "b"});
    }
    SUBCASE("many of them") {
      do_in_one_step(server, "for i = 1, 1500 do redis.call('XADD', 'sluice', '*', 'a', 'b') end");
    }
    CHECK(comes_true([&] { return server.ask({"XLEN", "sluice"}) == "2"; }));
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-3");
    CHECK(other.append({draft("t")})[0].id == it.journal->epoch() + "-4");
    CHECK(comes_true([&] { return it.witness.seen() == 4 && other.witness.seen() == 4; }));
    CHECK(it.witness.positions() == numbers_up_to(4));
    CHECK(positions_of(it.read_all()) == numbers_up_to(4));
    CHECK(it.own.foreign.value() + other.own.foreign.value() >= 1);
    CHECK(it.journal->trouble().empty());
    CHECK_FALSE(it.is_replaced);
    CHECK_FALSE(other.is_replaced);
  }

  TEST_CASE("comes between others, and they are shown all the same") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    // As the script would write the second, so that nothing is taken out before it is there.
    do_in_one_step(server,
                   "local mark = redis.call('HGET', '{sluice}:state', 'mark') "
                   "local next = string.format('%.0f', mark + 1) "
                   "for i = 1, 600 do redis.call('XADD', 'sluice', '1-' .. i, 'a', 'b') end "
                   "redis.call('XADD', 'sluice', '2-0', 'event', "
                   "next .. ' ' .. mark .. ' 65\\ntopic t\\n\\nx') "
                   "redis.call('HSET', '{sluice}:state', 'seq', 2, 'mark', next)");
    CHECK(comes_true([&] { return it.witness.positions() == Numbers{1, 2}; }));
    CHECK(positions_of(it.read_all()) == Numbers{1, 2});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-3");
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("is there before anybody: history begins all the same") {
    const Server server;
    server.ask({"XADD", "sluice", "*", "a", "b"});
    const Instance it(server);
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-1");
    CHECK(it.witness.positions() == Numbers{1});
    CHECK(server.ask({"XLEN", "sluice"}) == "1");
  }

  TEST_CASE("costs no more than the oldest events, where a stream's end cannot go back") {
    const Server server;
    server.ask({"ACL", "SETUSER", "sluice", "on", ">pw", "~*", "+@all", "-xsetid"});
    Options options = Instance::quick(server);
    options.link.user = "sluice";
    options.link.password = "pw";
    options.link.answer_timeout = 10s;
    const Instance it(options);
    for (int i = 0; i < 110; ++i) static_cast<void>(it.append(std::vector(100, draft("t"))));
    server.ask({"XADD", "sluice", "*", "a", "b"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-11001");
    CHECK(server.ask({"XLEN", "sluice"}) == "10001");
    CHECK(server.ask({"EXISTS", "{sluice}:copy"}) == "0");
    CHECK(comes_true([&] { return it.witness.seen() == 11'001; }));
    // Who asks for it once more, when all is well again, has nothing copied.
    static_cast<void>(server.ask({"EVAL", kScript, "1", "sluice", "mend", "11000"}));
    CHECK(comes_true([&] { return it.journal->evicted() == sse::Position(1'000); }));
    CHECK(it.read_all().events.size() == 10'001);
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("that cannot be taken out is in the way, and that is said") {
    const Server server;
    server.ask({"ACL", "SETUSER", "sluice", "on", ">pw", "~*", "+@all", "-xdel"});
    Options options = Instance::quick(server);
    options.link.user = "sluice";
    options.link.password = "pw";
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"XADD", "sluice", "*", "a", "b"});
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "see XDEL"); }));
    CHECK_FALSE(it.try_append({draft("t")}).has_value());
    server.ask({"ACL", "SETUSER", "sluice", "+xdel"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("an end that was set ahead is set back") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"XSETID", "sluice", "1000-0"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
    CHECK(it.witness.positions() == Numbers{1, 2});
  }
}

TEST_SUITE("an entry that is no event") {
  TEST_CASE("is counted and passed over") {
    const Server server;
    const Instance it(server);
    const std::string sha = server.ask({"SCRIPT", "LOAD", kScript});
    server.ask(
        {"EVALSHA", sha, "1", "sluice", "append", "", "", "4", "topic", "t", "data", "\xff"});
    static_cast<void>(it.append({draft("t")}));
    CHECK(it.witness.positions() == Numbers{2});
    CHECK(it.own.damaged.value() == 1);
    CHECK(positions_of(it.read_all()) == Numbers{2});
  }

  TEST_CASE("is not taken by the script where it can know") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_bytes = 1_MiB;
    const Instance it(options);
    const std::string sha = server.ask({"SCRIPT", "LOAD", kScript});
    const auto append = [&](const Words& event) {
      Words words{"EVALSHA", sha, "1", "sluice", "append", "", "", std::to_string(event.count())};
      words.add(event);
      return server.try_ask(words);
    };
    CHECK(contains(append({"topic", "t", "data", std::string(256 << 10, 'x')}), "262144 bytes"));
    CHECK(contains(append({"topic", "t", "retry", "1234567890123456"}), "retry is no number"));
    CHECK(server.ask({"XLEN", "sluice"}) == "0");
  }
}

TEST_SUITE("what is larger than may be") {
  TEST_CASE("of an event is refused, and nothing else with it") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_bytes = 1_MiB;
    const Instance it(options);
    const auto refused = it.try_append({draft("t", std::string(256 << 10, 'x'))});
    REQUIRE_FALSE(refused.has_value());
    CHECK(contains(refused.error().what, "a quarter of history.answer_bytes"));
    sse::Draft many = draft("t");
    many.topics.resize(1'001, "t");
    CHECK(contains(it.try_append({many}).error().what, "1000 at most"));
    CHECK(it.append({draft("t", std::string(250 << 10, 'x'))}).size() == 1);
  }

  TEST_CASE("of an answer is asked for again in pieces: all comes, live and from history") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_bytes = 256_KiB;
    options.link.answer_timeout = 10s;
    options.cache_bytes = 256_KiB;
    const Instance it(options);
    for (int i = 0; i < 5; ++i) static_cast<void>(it.append(std::vector(60, draft("t"))));
    // Many small ones were asked for at once, and now they are large.
    const std::string large(40_KiB, 'x');
    for (int i = 0; i < 30; ++i) static_cast<void>(it.begin_append({draft("t", large)}));
    CHECK(comes_true([&] { return it.witness.seen() == 330; }));
    CHECK(it.witness.positions() == numbers_up_to(330));
    CHECK(positions_of(it.read_all()) == numbers_up_to(330));
    CHECK(it.own.oversized.value() >= 1);
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("of an answer, and was put there by hand, is taken out unread") {
    const Server server;
    Options options = Instance::quick(server);
    options.link.answer_bytes = 64_KiB;
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"XADD", "sluice", "*", "a", std::string(200_KiB, 'x')});
    CHECK(comes_true([&] { return server.ask({"XLEN", "sluice"}) == "1"; }));
    CHECK(it.own.oversized.value() >= 1);
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("of an answer, and ours: it is said what to raise") {
    const Server server;
    const Instance publisher(server);
    Options options = Instance::quick(server);
    options.link.answer_bytes = 64_KiB;
    const Instance it(options);
    const Instance newest(server);  // Its bounds are those that hold.
    static_cast<void>(publisher.append({draft("t", std::string(100_KiB, 'x'))}));
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "larger than 64KiB"); }));
    CHECK(contains(it.journal->trouble(), "history.answer_bytes"));
    CHECK(it.witness.seen() == 0);
    CHECK(comes_true([&] { return newest.journal->trouble().empty(); }));
  }
}

TEST_SUITE("what is removed by hand") {
  TEST_CASE("of what was shown is missing for readers of history, who are told") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t"), draft("t"), draft("t"), draft("t")}));
    server.ask({"XDEL", "sluice", "3-0"});
    const Page page = it.read_all();
    CHECK(positions_of(page) == Numbers{1, 2, 4});
    CHECK(page.missing == sse::Position(3));
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-5");
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("all of what was shown: history begins behind it") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t"), draft("t")}));
    SUBCASE("trimmed") {
      server.ask({"XTRIM", "sluice", "MAXLEN", "0"});
    }
    SUBCASE("deleted") {
      server.ask({"DEL", "sluice"});
    }
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-3");
    CHECK(it.witness.positions() == Numbers{1, 2, 3});
    CHECK(comes_true([&] { return it.journal->evicted() == sse::Position(2); }));
    const Page page = it.read_all();
    CHECK(positions_of(page) == Numbers{3});
    CHECK(page.missing == sse::Position(2));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("before it was shown is seen, though nothing comes behind it") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t")}));
    // Appended and removed in one step: the state says that it was there.
    do_in_one_step(server,
                   "redis.call('XADD', 'sluice', '2-0', 'event', '5 1 65\\ntopic t\\n\\n') "
                   "redis.call('HSET', '{sluice}:state', 'seq', '2', 'mark', '5') "
                   "redis.call('XDEL', 'sluice', '2-0')");
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(contains(it.journal->trouble(), "events 2 to 2 were removed"));
    CHECK(it.own.breaks.value() == 1);
  }

  TEST_CASE("the state: another history begins, behind the end of what is left") {
    const Server server;
    const Instance it(server);
    static_cast<void>(it.append({draft("t"), draft("t")}));
    server.ask({"DEL", "{sluice}:state"});
    CHECK(comes_true([&] { return it.is_replaced.load(); }));
    CHECK(it.try_append({draft("t")}).error().code == Errc::limit);
    const Instance next(server);
    CHECK(next.journal->epoch() != it.journal->epoch());
    CHECK(next.append({draft("t")})[0].id == next.journal->epoch() + "-3");
  }

  TEST_CASE("what was seen lately is forgotten, and nothing else") {
    const Server server;
    const Instance it(server);
    const sse::Draft order{.topics = {"t"}, .data = "x", .id = "mine", .once = "7"};
    static_cast<void>(it.append({order}));
    for (const char* key : {"{sluice}:once", "{sluice}:once:at"}) {
      server.ask({"DEL", key});
      CHECK_FALSE(it.append({order})[0].is_repeat);
      CHECK(it.append({order})[0].is_repeat);
    }
    CHECK(it.find("mine") == 1);
    for (const char* key : {"{sluice}:ids", "{sluice}:ids:at"}) server.ask({"DEL", key});
    CHECK(it.find("mine") == std::nullopt);
    static_cast<void>(it.append({{.topics = {"t"}, .data = "x", .id = "mine"}}));
    CHECK(it.find("mine") == 4);
    CHECK(it.witness.positions() == numbers_up_to(4));
    CHECK_FALSE(it.is_replaced);
  }

  TEST_CASE("and something else put in its place: nobody is shown it, and it is said what it is") {
    const Server server;
    Options options = Instance::quick(server);
    const Instance it(options);
    static_cast<void>(it.append({draft("t")}));
    server.ask({"SET", "sluice", "a string"});
    CHECK(comes_true([&] { return contains(it.journal->trouble(), "WRONGTYPE"); }));
    const auto refused = it.try_append({draft("t")});
    REQUIRE_FALSE(refused.has_value());
    CHECK(contains(refused.error().what, "WRONGTYPE"));
    server.ask({"DEL", "sluice"});
    CHECK(it.append({draft("t")})[0].id == it.journal->epoch() + "-2");
    CHECK(comes_true([&] { return it.journal->trouble().empty(); }));
  }
}

TEST_SUITE("a policy that evicts") {
  TEST_CASE("history is warned of, and any other is not") {
    for (const char* policy : {"allkeys-lru", "allkeys-lfu", "allkeys-random"}) {
      const auto warning = warning_of_eviction(policy);
      REQUIRE(warning.has_value());
      CHECK(contains(*warning, policy));
      CHECK(contains(*warning, "maxmemory-policy noeviction"));
    }
    for (const char* policy : {"noeviction", "volatile-lru", "volatile-ttl", ""}) {
      CHECK_FALSE(warning_of_eviction(policy).has_value());
    }
  }

  TEST_CASE("is warned of at the start, or not seen where we may not ask") {
    const Server server({"--maxmemory-policy", "allkeys-lru"});
    server.ask({"ACL", "SETUSER", "sluice", "on", ">pw", "~*", "+@all", "-config"});
    Options options = Instance::quick(server);
    const auto warns = [&] {
      const std::string text = logged([&] {
        SteadyClock clock;
        journal::Counters counters;
        Counters own;
        log::set_level(log::Level::warning);
        CHECK(RedisJournal::open(options, clock, counters, own).has_value());
        log::set_level(log::Level::off);
      });
      return contains(text, "allkeys-lru");
    };
    CHECK(warns());
    options.link.user = "sluice";
    options.link.password = "pw";
    CHECK_FALSE(warns());
  }
}

}  // namespace
}  // namespace sluice::redis
