#include <string>

#include <doctest/doctest.h>

#include "tests/h2/upstream.h"

namespace sluice::h2 {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): the words of these tests.
using http::CallError;
using std::chrono::seconds;
constexpr int kEnd = NGHTTP2_FLAG_END_STREAM;
constexpr auto kMaxStreams = NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS;

TEST_SUITE("h2 client endings") {
  TEST_CASE("RST_STREAM of the server ends one call, and says whether it may be sent again") {
    struct Row {
      std::string what;
      std::string before;
      std::uint32_t code;
      CallError error;
      bool is_untouched;
    };
    const std::vector<Row> rows{
        {"refused", "", NGHTTP2_REFUSED_STREAM, CallError::refused, true},
        {"refused after 1xx", answer(1, {}, 0, "103"), NGHTTP2_REFUSED_STREAM, CallError::refused,
         true},
        {"refused, it says, after the head", answer(1), NGHTTP2_REFUSED_STREAM, CallError::reset,
         false},
        {"cancelled", answer(1), NGHTTP2_CANCEL, CallError::reset, false},
        {"an error", "", NGHTTP2_INTERNAL_ERROR, CallError::reset, false},
        {"HTTP/1.1, please", "", NGHTTP2_HTTP_1_1_REQUIRED, CallError::reset, false},
        {"no error, but no end", answer(1), NGHTTP2_NO_ERROR, CallError::reset, false},
        {"a code that nobody knows", "", 0xfedc, CallError::reset, false},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      Agent client;
      client.greet();
      Asker& asker = client.post();
      Asker& other = client.ask();
      client.fill_all();
      client.feed(row.before + rst(1, row.code));
      CHECK(asker.failed(row.error, row.is_untouched));
      CHECK_FALSE(other.is_over());
      CHECK(client.session->open_calls() == 1);
      CHECK(only(NGHTTP2_RST_STREAM, client.frames()).empty());
    }
  }

  TEST_CASE("NO_ERROR after a complete answer stops the request, and nothing is wrong") {
    Agent client;
    client.greet();
    Asker& asker = client.post();
    asker.upload("begin");
    client.fill_all();
    client.feed(answer(1, {}, kEnd) + rst(1, NGHTTP2_NO_ERROR));
    CHECK(asker.is_ended);
    CHECK_FALSE(asker.failure);
    CHECK(only(NGHTTP2_RST_STREAM, client.frames()).empty());
  }

  TEST_CASE("when the connection goes, every call fails; what never left may be sent again") {
    Agent client;
    client.greet();
    Asker& sent = client.ask();
    client.fill_all();
    Asker& answered = client.ask();
    client.fill_all();
    client.feed(answer(3));
    Asker& unsent = client.ask();
    SUBCASE("at its end of file") {
      client.session->on_eof();
      CHECK(client.session->is_finished());
      CHECK(client.session->is_spent());
      CHECK(client.owner.changes > 0);
      CHECK_FALSE(client.owner.is_gone);
    }
    SUBCASE("without a word") {
      client.session.reset();
      CHECK(client.owner.is_gone);
    }
    CHECK(sent.failed(CallError::closed, false));
    CHECK(answered.failed(CallError::closed, false));
    CHECK(unsent.failed(CallError::closed, true));
  }

  TEST_CASE("a request that has left in part is not called untouched") {
    Agent client;
    client.greet();
    http::Outgoing large = outgoing();
    large.head.headers = {{"x-large", std::string(60'000, '~')}};
    Asker& asker = client.ask(large);
    client.fill();
    REQUIRE(client.has_more);
    client.session->on_eof();
    CHECK(asker.failed(CallError::closed, false));
  }

  TEST_CASE("cancel() tells the server, and frames that come late are nobody's") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1) + data(1, "a"));
    asker.call->cancel();
    CHECK(client.session->open_calls() == 0);
    client.feed(data(1, "b") + headers(1, {{"x", "y"}}, kEnd));
    const auto resets = only(NGHTTP2_RST_STREAM, client.frames());
    REQUIRE(resets.size() == 1);
    CHECK(resets[0].number(0) == NGHTTP2_CANCEL);
    client.feed(data(1, "c") + rst(1));
    CHECK(asker.body == "a");
    CHECK_FALSE(asker.is_over());
    CHECK_FALSE(client.session->is_spent());
    CHECK(client.session->can_call());
  }

  TEST_CASE("a call that is cancelled before it left never leaves") {
    Agent client;
    client.greet();
    client.ask().call->cancel();
    CHECK(client.frames().empty());
    CHECK(client.session->open_calls() == 0);
    Asker& next = client.ask();
    client.fill_all();
    client.feed(answer(3, {}, kEnd));
    CHECK(next.is_ended);
  }

  TEST_CASE("a caller may cancel, and call again, inside each of its functions") {
    const auto run = [](auto&& arrange) {
      Agent client;
      client.greet();
      Asker& asker = client.post();
      asker.pending = "upload";
      Asker* again = nullptr;
      const auto act = [&] {
        if (!asker.is_over()) asker.call->cancel();
        again = &client.ask(outgoing("/again"));
      };
      arrange(asker, act);
      client.fill_all();
      client.feed(answer(1) + data(1, "abc") + data(1, "def", kEnd));
      client.fill_all();
      client.feed(rst(1));
      client.fill_all();
      REQUIRE(again != nullptr);
      CHECK_FALSE(again->is_over());
      CHECK(client.session->open_calls() == 1);
      client.feed(answer(3, {}, kEnd));
      CHECK(again->is_ended);
    };
    using Act = std::function<void()>;
    run([](Asker& asker, const Act& act) { asker.in_head = act; });
    run([](Asker& asker, const Act& act) {
      asker.in_body = [&asker, act] { asker.body == "abc" ? act() : void(); };
    });
    run([](Asker& asker, const Act& act) { asker.in_end = act; });
    run([](Asker& asker, const Act& act) {
      asker.in_ready = [act, did = false]() mutable {
        if (!std::exchange(did, true)) act();
      };
    });
    run([](Asker& asker, const Act& act) { asker.in_take = act; });
  }

  TEST_CASE("a caller whose call failed may make another one at once") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    Asker* again = nullptr;
    asker.in_failure = [&] { again = &client.ask(); };
    client.fill_all();
    client.feed(rst(1, NGHTTP2_REFUSED_STREAM));
    REQUIRE(again != nullptr);
    client.fill_all();
    client.feed(answer(3, {}, kEnd));
    CHECK(again->is_ended);
  }
}

TEST_SUITE("h2 client GOAWAY") {
  TEST_CASE("calls above the last stream may be sent again, the others go on") {
    Agent client;
    client.greet();
    Asker& first = client.ask();
    Asker& second = client.ask();
    client.fill_all();
    Asker& unsent = client.ask();
    client.feed(goaway(1));
    CHECK(client.session->is_spent());
    CHECK_FALSE(client.session->can_call());
    CHECK(client.owner.changes > 0);
    CHECK_FALSE(first.is_over());
    CHECK(second.failed(CallError::refused, true));
    CHECK(unsent.failed(CallError::refused, true));
    CHECK(only(NGHTTP2_HEADERS, client.frames()).empty());
    CHECK_FALSE(client.session->is_finished());
    client.feed(answer(1) + data(1, "a", kEnd));
    client.fill_all();
    CHECK(first.is_ended);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("a notice of shutdown takes no call away") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(goaway(0x7fffffff));
    CHECK(client.session->is_spent());
    CHECK_FALSE(asker.is_over());
    client.feed(goaway(1));
    CHECK_FALSE(asker.is_over());
    client.feed(answer(1, {}, kEnd));
    client.fill_all();
    CHECK(asker.is_ended);
    CHECK(client.session->is_finished());
  }

  TEST_CASE("an idle connection is finished by it, and an error does not take what it names") {
    Agent idle;
    idle.greet();
    idle.feed(goaway(0));
    idle.fill_all();
    CHECK(idle.session->is_finished());

    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(goaway(1, NGHTTP2_ENHANCE_YOUR_CALM));
    CHECK_FALSE(asker.is_over());
    client.session->on_eof();
    CHECK(asker.failed(CallError::closed, false));
  }

  TEST_CASE("a caller may try to save its call from inside") {
    Agent client;
    client.greet();
    Asker& first = client.ask();
    Asker& second = client.ask();
    first.in_failure = [&] {
      CHECK_FALSE(client.session->can_call());
      second.call->cancel();  // Its failure does not come any more.
    };
    second.in_failure = [&] { first.call->cancel(); };
    client.fill_all();
    client.feed(goaway(0));
    CHECK(first.is_over() != second.is_over());
    CHECK(client.session->open_calls() == 0);
  }

  TEST_CASE("a server that drains is left by its client when the last call has ended") {
    Link link;
    Asker& asker = link.client.ask();
    link.settle();
    link.server.session.drain_notice();
    link.settle();
    CHECK(link.client.session->is_spent());
    link.server.session.drain_finish();
    link.talk(0).say("data: last\n\n");
    link.talk(0).finish();
    link.settle();
    CHECK(asker.body == "data: last\n\n");
    CHECK(asker.is_ended);
    CHECK(link.client.session->is_finished());
    CHECK(link.server.session.is_finished());
  }
}

TEST_SUITE("h2 client room") {
  TEST_CASE("the owner is told when there is room, and may call at once") {
    Agent client({.max_streams = 2});
    client.greet();
    client.ask();
    client.ask();
    CHECK_FALSE(client.session->can_call());
    CHECK_FALSE(client.session->is_spent());
    CHECK(client.session->open_calls() == 2);
    CHECK(client.session->calls_made() == 2);
    client.fill_all();
    const int before = client.owner.changes;
    client.owner.in_change = [&] {
      if (client.session->can_call()) client.ask();
    };
    client.feed(answer(1, {}, kEnd));
    CHECK(client.owner.changes == before + 1);
    CHECK(client.session->calls_made() == 3);
    CHECK(only(NGHTTP2_HEADERS, client.frames()).size() == 1);
  }

  TEST_CASE("the server's limit holds: 1, then 0, then raised") {
    Agent client;
    client.greet(setting(kMaxStreams, 1));
    Asker& asker = client.ask();
    CHECK_FALSE(client.session->can_call());
    client.fill_all();
    client.feed(settings(kMaxStreams, 0));
    CHECK_FALSE(asker.is_over());
    client.feed(answer(1, {}, kEnd));
    client.fill_all();
    CHECK(asker.is_ended);
    CHECK_FALSE(client.session->can_call());
    const int before = client.owner.changes;
    client.feed(settings(kMaxStreams, 3));
    CHECK(client.owner.changes == before + 1);
    for (int i = 0; i < 3; ++i) {
      CHECK(client.session->can_call());
      client.ask();
    }
    CHECK_FALSE(client.session->can_call());
    CHECK(only(NGHTTP2_HEADERS, client.frames()).size() == 3);
  }

  TEST_CASE("before the server has said anything a hundred are assumed, or ours if that is less") {
    Agent client({.max_streams = 1'000});
    for (int i = 0; i < 100; ++i) client.ask();
    CHECK_FALSE(client.session->can_call());
    CHECK(only(NGHTTP2_HEADERS, client.frames()).size() == 100);  // They leave with the preface.
    client.feed(settings(kMaxStreams, 200));
    CHECK(client.session->can_call());

    Agent modest({.max_streams = 1});
    modest.ask();
    CHECK_FALSE(modest.session->can_call());
  }

  TEST_CASE("a call that has not left when the limit falls may be sent elsewhere") {
    Agent client;
    client.greet();
    Asker& sent = client.ask();
    client.fill_all();
    Asker& second = client.ask();
    Asker& third = client.ask();
    client.feed(settings(kMaxStreams, 2));
    CHECK_FALSE(sent.is_over());
    CHECK(int{second.is_over()} + int{third.is_over()} == 1);
    Asker& lost = second.is_over() ? second : third;
    CHECK(lost.failed(CallError::refused, true));
    CHECK(only(NGHTTP2_HEADERS, client.frames()).size() == 1);
    client.feed(settings(kMaxStreams, 0));
    CHECK(client.session->open_calls() == 2);
  }

  TEST_CASE("a call counts until its RST_STREAM has left") {
    Agent client({.max_streams = 1});
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    asker.call->cancel();
    CHECK(client.session->open_calls() == 0);
    CHECK_FALSE(client.session->can_call());
    const int before = client.owner.changes;
    client.fill_all();
    CHECK(client.owner.changes == before + 1);
    CHECK(client.session->can_call());
  }

  TEST_CASE("retire() lets the open calls end") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.session->retire();
    CHECK(client.session->is_spent());
    CHECK(only(NGHTTP2_GOAWAY, client.frames()).empty());
    CHECK(client.owner.changes > 0);
    client.feed(answer(1) + data(1, "a", kEnd));
    CHECK(asker.is_ended);
    CHECK(goaway_code(client.fill_all()) == NGHTTP2_NO_ERROR);
    CHECK(client.session->is_finished());

    Agent idle;
    idle.greet();
    idle.session->drain_notice();
    CHECK(idle.session->can_call());
    idle.session->drain_finish();
    CHECK(goaway_code(idle.fill_all()) == NGHTTP2_NO_ERROR);
    CHECK(idle.session->is_finished());
  }
}

TEST_SUITE("h2 client time limits") {
  TEST_CASE("a server that does not begin HTTP/2 loses its calls") {
    Agent client;
    Asker& asker = client.ask();
    client.fill_all();
    client.pass(std::chrono::milliseconds(9'999));
    CHECK_FALSE(asker.is_over());
    client.pass(std::chrono::milliseconds(1));
    CHECK(asker.failed(CallError::closed, false));
    CHECK(goaway_code(client.fill_all()) == NGHTTP2_SETTINGS_TIMEOUT);
    CHECK(client.session->is_finished());
    CHECK(client.counters.settings_timeouts.value() == 1);

    Agent half;  // SETTINGS, but no acknowledgement of ours.
    half.fill_all();
    half.feed(to_wire({.type = NGHTTP2_SETTINGS}));
    half.pass(seconds(10));
    CHECK(goaway_code(half.fill_all()) == NGHTTP2_SETTINGS_TIMEOUT);
  }

  TEST_CASE("a silent server is asked while there are calls, and lives if it answers") {
    Link link;
    Asker& asker = link.client.ask();
    link.settle();
    for (int i = 0; i < 30; ++i) {
      link.client.pass(seconds(10));
      link.settle();
    }
    CHECK(link.client.counters.pings.value() >= 5);
    CHECK(link.client.counters.pings.value() <= 10);
    CHECK_FALSE(asker.is_over());
  }

  TEST_CASE("a server that does not answer PING loses its calls") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1));
    client.pass(seconds(60));
    CHECK(client.counters.pings.value() == 1);
    client.pass(seconds(30));  // It has not left: the socket's business.
    CHECK_FALSE(asker.is_over());
    client.fill_all();
    client.pass(seconds(10));
    CHECK(asker.failed(CallError::closed, false));
    CHECK(client.session->is_finished());
    CHECK(client.session->is_spent());
    CHECK(client.counters.ping_timeouts.value() == 1);
  }

  TEST_CASE("a connection without calls is not asked, and ends after a while") {
    Agent client;
    client.greet();
    client.pass(seconds(50));
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(answer(1, {}, kEnd));
    CHECK(asker.is_ended);
    client.pass(seconds(59));
    CHECK(client.session->can_call());
    CHECK(client.counters.pings.value() == 0);
    client.pass(seconds(31));
    CHECK(client.session->is_spent());
    CHECK(goaway_code(client.fill_all()) == NGHTTP2_NO_ERROR);
    CHECK(client.session->is_finished());
    CHECK(client.counters.idle_timeouts.value() == 1);
  }
}

TEST_SUITE("h2 client abuse") {
  /// What ends a connection: feeds `wire` again and again, and says after how many times.
  int endured(Agent & client, const std::string& wire, int most) {
    for (int i = 0; i < most; ++i) {
      if (client.session->is_spent()) return i;
      client.feed(wire);
      client.fill_all();
    }
    return most;
  }

  TEST_CASE("floods end the connection, and its calls fail") {
    struct Row {
      std::string what;
      std::string wire;
      int at_most;
    };
    const std::vector<Row> rows{
        {"PING", to_wire({.type = NGHTTP2_PING, .payload = std::string(8, 'x')}), 200},
        {"SETTINGS", to_wire({.type = NGHTTP2_SETTINGS}), 200},
        {"DATA of nothing", data(1, ""), 200},
        {"RST_STREAM", rst(1), 202},
        {"GOAWAY", goaway(0x7fffffff), 1},  // Spent by the first; it goes on for the call.
        {"WINDOW_UPDATE", window_update(0, 1), 20'002},
        {"PRIORITY", to_wire({.type = NGHTTP2_PRIORITY, .stream = 1, .payload = "12345"}), 20'002},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      Agent client;
      client.greet();
      Asker& asker = client.ask();
      client.fill_all();
      client.feed(answer(1));
      CHECK(endured(client, row.wire, 30'000) <= row.at_most);
      for (int i = 0; i < 300; ++i) client.feed(row.wire);
      client.fill_all();
      CHECK(client.session->is_finished());
      CHECK(client.counters.calm_closes.value() == 1);
      CHECK(asker.failure.has_value());
      CHECK(client.session->open_calls() == 0);
    }
  }

  TEST_CASE("a server that resets every call is endured as long as there are calls") {
    Agent client;
    client.greet();
    for (std::int32_t id = 1; id < 4'000; id += 2) {
      Asker& asker = client.ask();
      client.fill_all();
      client.feed(rst(id, NGHTTP2_REFUSED_STREAM));
      REQUIRE(asker.failed(CallError::refused, true));
    }
    CHECK(client.session->can_call());
  }

  TEST_CASE("what breaks the rules of HTTP/2 ends the connection, and its calls fail") {
    struct Row {
      std::string what;
      std::string wire;
    };
    const std::string promise = number(2) + header_block(get());
    const std::vector<Row> rows{
        {"a push", to_wire({.type = NGHTTP2_PUSH_PROMISE,
                            .flags = NGHTTP2_FLAG_END_HEADERS,
                            .stream = 1,
                            .payload = promise})},
        {"a stream that the server opens", answer(2)},
        {"an answer before its request", answer(5)},
        {"a body before its head", data(1, "a")},
        {"DATA on the connection", data(0, "a")},
        {"a GOAWAY that takes back what another one gave", goaway(0) + goaway(1)},
        {"a window of more than 2^31", window_update(0, 0x7fffffff)},
        {"an update of nothing", window_update(1, 0)},
        {"a frame that is too large", data(1, std::string(20'000, 'x'))},
        {"a head that does not decode", to_wire({.type = NGHTTP2_HEADERS,
                                                 .flags = NGHTTP2_FLAG_END_HEADERS,
                                                 .stream = 1,
                                                 .payload = "\xff\xff\xff\xff\xff"})},
        {"HTTP/1.1", "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"},
    };
    for (const Row& row : rows) {
      CAPTURE(row.what);
      Agent client;
      client.greet();
      Asker& asker = client.ask();
      client.fill_all();
      client.feed(row.wire);
      const auto code = goaway_code(client.fill_all());
      REQUIRE(code);
      CHECK(*code != NGHTTP2_NO_ERROR);
      CHECK(asker.failure.has_value());
      CHECK(client.session->is_finished());
      CHECK(client.session->is_spent());
      CHECK(client.counters.error_closes.value() == 1);
    }
  }

  TEST_CASE("a header block that has no end is cut off") {
    Agent client;
    client.greet();
    Asker& asker = client.ask();
    client.fill_all();
    client.feed(to_wire({.type = NGHTTP2_HEADERS, .stream = 1, .payload = header_block({})}));
    const std::string more = to_wire({.type = NGHTTP2_CONTINUATION,
                                      .stream = 1,
                                      .payload = header_block({{"a", "b"}}).substr(1)});
    for (int i = 0; i < 20; ++i) client.feed(more);
    CHECK(goaway_code(client.fill_all()) == NGHTTP2_ENHANCE_YOUR_CALM);
    CHECK(asker.failed(CallError::closed, false));
  }

  TEST_CASE("a server that asks and does not read is not read any more") {
    Agent client({.control_frames = {100'000, 1}, .max_outbound_ack = 100'000});
    client.greet();
    const std::string ping = to_wire({.type = NGHTTP2_PING, .payload = std::string(8, 'x')});
    for (int i = 0; i < 1'001; ++i) client.feed(ping);
    CHECK_FALSE(client.session->wants_read());
    for (int i = 0; i < 4'000; ++i) client.feed(ping);
    CHECK(client.session->is_finished());
  }
}

}  // namespace
}  // namespace sluice::h2
