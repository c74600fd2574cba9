#include <random>

#include <doctest/doctest.h>

#include "gateway/relay/stream_name.h"
#include "tests/gateway_relay/share_world.h"

namespace sluice::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RouteOptions replayed(std::size_t events = 1'000, std::size_t bytes = 1_MiB) {
  RouteOptions options;
  options.name = "resume";
  options.path = "/*";
  options.heartbeat = HeartbeatForm::off;
  options.replay = {.enabled = true, .events = events, .bytes = bytes, .linger = seconds(30)};
  return options;
}

RouteOptions posted() {
  RouteOptions options = replayed();
  options.replay.post = true;
  return options;
}

std::string token(int i) {
  return "t" + std::to_string(i) + ";";
}

std::string tokens(int from, int to) {
  std::string all;
  for (int i = from; i < to; ++i) all += token(i);
  return all;
}

TEST_SUITE("the name of a stream") {
  TEST_CASE("is not guessed, needs no preflight, and is found in its events' ids") {
    const std::string name = make_stream_name();
    CHECK(name != make_stream_name());
    CHECK(is_stream_name(name));
    CHECK(name.size() == 24);
    const std::string id = make_event_id(name, 17);
    REQUIRE(parse_event_id(id));
    CHECK(parse_event_id(id)->stream == name);
    CHECK(parse_event_id(id)->number == 17);
  }

  TEST_CASE("what looks like one in part is the upstream's") {
    const std::string name = make_stream_name();
    for (const std::string& id :
         {std::string(), name, name + "-", name + "-x", name + "-1x", name + "--1",
          "x" + name + "-1", name.substr(1) + "-1", name + "-99999999999999999999999",
          std::string("17"), "sl" + std::string(22, '.') + "-1"}) {
      CHECK_FALSE(parse_event_id(id));
    }
  }
}

TEST_SUITE("a replayed stream") {
  TEST_CASE("is each client's own, and its events get ids where they have none") {
    World world(replayed());
    Client a(world), b(world);
    a.ask();
    b.ask();
    CHECK(world.asked() == 2);
    world.call(0).answer();
    world.call(0).send("data: x\n\ndata: y\n\n");
    world.turn();
    CHECK(a.events() == "x y");
    REQUIRE(parse_event_id(a.ids.at(0)));
    CHECK(parse_event_id(a.ids.at(0))->number == 1);
    CHECK(parse_event_id(a.ids.at(1))->number == 2);
    CHECK(parse_event_id(a.ids.at(1))->stream == parse_event_id(a.ids.at(0))->stream);
    CHECK(b.events().empty());
  }

  TEST_CASE("an event keeps the upstream's id if a reader can come back with it: a table") {
    const struct {
      const char* what;
      std::string block;
      std::string id;  ///< Empty: one of ours.
    } rows[] = {
        {"plain", "id: 42", "42"},
        {"any text", "id: a b/ü", "a b/ü"},
        {"none", "event: x", ""},
        {"empty", "id", ""},
        {"a control character", "id: a\x01", ""},
        {"a tab", "id: a\tb", ""},
        {"a blank at its beginning", "id:  a", ""},
        {"a blank at its end", "id: a ", ""},
        {"NUL: no id at all", std::string("id: a\0b", 7), ""},
        {"no UTF-8", "id: \xff", ""},
        {"200 bytes", "id: " + std::string(200, 'i'), std::string(200, 'i')},
        {"201 bytes", "id: " + std::string(201, 'i'), ""},
        {"what another event has", "id: first", ""},
    };
    for (const auto& row : rows) {
      INFO(row.what);
      World world(replayed());
      Client client(world);
      client.ask();
      world.call().answer();
      world.call().send("id: first\ndata: 1\n\n" + row.block + "\ndata: 2\n\ndata: 3\n\n");
      world.turn();
      client.read();
      REQUIRE(client.ids.size() == 3);
      CHECK(client.ids[0] == "first");
      if (row.id.empty()) {
        CHECK(parse_event_id(client.ids[1]));
      } else {
        CHECK(client.ids[1] == row.id);
      }
      // An id that only sticks is of the event that has it.
      CHECK(parse_event_id(client.ids[2]));
    }
  }

  TEST_CASE("who is cut off anywhere goes on exactly there, whatever the worker") {
    for (int cut = 1; cut < 10; ++cut) {
      World world(replayed());
      Client client(world, 0), back(world, 1);
      client.ask();
      world.call().answer();
      for (int i = 0; i < 10; ++i) {
        if (i == cut) {
          world.turn();
          client.read();
          client.leave();
          world.turn();
        }
        world.call().send("data: " + token(i) + "\n\n");
      }
      world.turn();
      back.last_id = client.last_id;
      back.ask_again();
      world.turn();
      back.read();
      CHECK(world.asked() == 1);
      CHECK(client.text + back.text == tokens(0, 10));
      CHECK(back.gaps == 0);
    }
  }

  TEST_CASE("of which no event was sent is stopped with its client: nobody can come back to it") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    world.turn();
    client.read().leave();
    world.turn();
    CHECK(world.is_gone());
  }

  TEST_CASE("who was sent more than arrived goes on behind what arrived") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    for (int i = 0; i < 5; ++i) world.call().send("data: " + token(i) + "\n\n");
    world.turn();
    client.read();
    client.leave();
    client.last_id = client.ids[1];
    client.text = tokens(0, 2);
    client.ask_again();
    world.turn();
    client.read();
    CHECK(client.text == tokens(0, 5));
  }

  TEST_CASE("an id of the upstream's finds the stream, if exactly one waits that has it") {
    World world(replayed());
    Client a(world), b(world), c(world);
    a.ask();
    b.ask();
    for (std::size_t i = 0; i < 2; ++i) {
      world.call(i).answer();
      world.call(i).send("id: 1\ndata: a\n\n" + std::string(i == 0 ? "id: 7\n" : "id: 8\n") +
                         "data: b\n\n");
    }
    world.turn();
    a.read();
    b.read();
    c.ask("/events", {{"last-event-id", "77"}});
    CHECK(world.asked() == 3);  // None has it.
    CHECK(world.call(2).header("last-event-id") == "77");
    a.leave();
    b.leave();
    world.turn();
    world.call(0).send("data: more\n\n");
    c.ask("/events", {{"last-event-id", "1"}});
    CHECK(world.asked() == 4);  // Both have it.
    c.ask("/events", {{"last-event-id", "7"}});
    world.turn();
    CHECK(world.asked() == 4);
    CHECK(c.events() == "more");
  }

  TEST_CASE("a place of another principal, path or query is as if it never was") {
    World world(replayed());
    Client owner(world), thief(world, 1);
    owner.principal = "owner";
    owner.ask();
    world.call().answer();
    world.call().send("id: up\ndata: secret\n\ndata: more\n\n");
    world.turn();
    owner.read();
    owner.leave();
    world.turn();
    std::size_t asked = 1;
    for (const std::string& id : {std::string("up"), owner.ids[1]}) {
      for (const char* principal : {"thief", ""}) {
        thief.principal = principal;
        thief.ask("/events", {{"last-event-id", id}});
        CHECK(world.asked() == ++asked);
      }
    }
    thief.principal = "owner";
    thief.ask("/other", {{"last-event-id", owner.ids[1]}});
    CHECK(world.asked() == ++asked);
    thief.ask("/events?q", {{"last-event-id", owner.ids[1]}});
    CHECK(world.asked() == ++asked);
    CHECK(thief.text.empty());
    thief.ask("/events", {{"last-event-id", owner.ids[0]}});
    world.turn();
    CHECK(thief.events() == "more");
  }

  TEST_CASE("whoever comes with an id of ours takes over from a connection that is half dead") {
    World world(replayed());
    Client old(world, 0), back(world, 1);
    old.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    old.read();
    back.last_id = old.last_id;
    back.ask_again();
    world.call().send("data: b\n\n");
    world.turn();
    world.pass(milliseconds(100));
    CHECK(back.events() == "b");
    CHECK(old.is_aborted);
    old.leave();
    world.pass(seconds(60));
    world.call().send("data: c\n\n");
    world.turn();
    CHECK(back.events() == "c");
  }

  TEST_CASE("an id of ours that is not known is not sent upstream, and a gap says so") {
    World world(replayed());
    Client client(world);
    client.ask("/events", {{"last-event-id", make_event_id(make_stream_name(), 5)}});
    CHECK(world.call().header("last-event-id") == "-");
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    CHECK(client.events() == "gap(unknown) a");
    client.leave();
    client.ask_again();
    world.call().send("data: b\n\n");
    world.turn();
    CHECK(client.events() == "b");
  }

  TEST_CASE("an id that is not known is the upstream's to know; if it has none, a gap says so") {
    World world(replayed());
    Client knows(world), knows_not(world);
    knows.ask("/events", {{"last-event-id", "7"}});
    knows_not.ask("/events", {{"last-event-id", "7"}});
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(world.call(i).header("last-event-id") == "7");
      world.call(i).answer();
    }
    world.call(0).send("id: 8\ndata: a\n\ndata: b\n\n");
    world.call(1).send("data: a\n\ndata: b\n\n");
    world.turn();
    CHECK(knows.events() == "a b");
    CHECK(knows_not.events() == "gap(unknown) a b");
  }

  TEST_CASE("waits for `linger`, and is stopped then") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    client.read();
    client.leave();
    world.turn();
    world.pass(seconds(29));
    CHECK_FALSE(world.is_gone());
    world.pass(seconds(2));
    CHECK(world.is_gone());
    CHECK(world.sources.bytes() == 0);
    client.ask_again();
    CHECK(world.asked() == 2);
  }

  TEST_CASE("one without readers gives way to who has no connection to the upstream") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    client.read();
    CHECK_FALSE(world.call().is_spare);
    CHECK_FALSE(world.call().want());
    client.leave();
    world.turn();
    CHECK(world.call().is_spare);

    client.ask_again();
    CHECK_FALSE(world.call().want());  // Though nobody has told the source yet.
    world.turn();
    CHECK_FALSE(world.call().is_spare);

    client.leave();
    world.turn();
    CHECK(world.call().want());
    CHECK(world.call().records.back().is_stopped);
    world.turn();
    CHECK(world.is_gone());
    CHECK(world.sources.size() == 0);
    client.ask_again();
    CHECK(world.asked() == 2);
  }

  TEST_CASE("what has ended waits, too: who was cut at the last moment gets the rest and the end") {
    for (int seen = 1; seen <= 3; ++seen) {
      World world(replayed());
      Client client(world);
      client.ask();
      world.call().answer();
      world.call().send("data: t0;\n\n");
      world.turn();
      client.read();
      for (int i = 1; i < seen; ++i) world.call().send("data: " + token(i) + "\n\n");
      world.turn();
      client.read();
      client.leave();
      for (int i = seen; i < 3; ++i) world.call().send("data: " + token(i) + "\n\n");
      world.call().complete();
      world.turn();
      client.ask_again();
      world.turn();
      client.read();
      CHECK(client.text == tokens(0, 3));
      CHECK(client.has_ended);
      CHECK(world.asked() == 1);
      world.pass(seconds(1));
      world.pass(seconds(31));
      CHECK(world.sources.size() == 0);
    }
  }

  TEST_CASE("who was told the end and has an id of the upstream's wants what comes next") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\n");
    world.call().complete();
    world.turn();
    CHECK(client.read().has_ended);
    client.ask_again();
    CHECK(world.asked() == 2);
    CHECK(world.call(1).header("last-event-id") == "1");
  }

  TEST_CASE("an upstream is left waiting while its reader takes nothing, and loses nothing") {
    World world(replayed(20));
    Client client(world);
    client.ask();
    world.call().answer();
    world.turn();
    std::string sent;
    for (int i = 0; i < 100; ++i) sent += "data: " + token(i) + "\n\n";
    world.call().send(sent);
    world.turn();
    const std::size_t unpaid = world.call().records.back().unpaid;
    CHECK(unpaid > sent.size() * 3 / 4);
    world.pass(seconds(60));
    CHECK(world.call().records.back().unpaid == unpaid);
    for (int i = 0; i < 50; ++i) {
      client.read(300, 50);
      world.turn();
    }
    CHECK(world.call().records.back().unpaid == 0);
    CHECK(client.text == tokens(0, 100));
    CHECK(client.gaps == 0);
  }

  TEST_CASE("half of its room stays for what was sent but may not have arrived") {
    World world(replayed(20));
    Client client(world);
    client.ask();
    world.call().answer();
    for (int i = 0; i < 10; ++i) {
      world.call().send("data: " + token(i) + "\n\n");
      world.turn();
      client.read();
    }
    std::string sent;
    for (int i = 10; i < 100; ++i) sent += "data: " + token(i) + "\n\n";
    world.call().send(sent);
    world.turn();
    client.leave();
    client.last_id = client.ids[0];  // Nine of ten had not arrived.
    client.text = token(0);
    client.ask_again();
    for (int i = 0; i < 300; ++i) {
      client.read(40, 13);
      world.turn();
    }
    client.read();
    CHECK(client.text == tokens(0, 100));
    CHECK(client.gaps == 0);
  }

  TEST_CASE("what is no longer held is told by a gap") {
    World world(replayed(4));
    Client client(world);
    client.ask();
    world.call().answer();
    for (int i = 0; i < 10; ++i) {
      world.call().send("data: " + token(i) + "\n\n");
      world.turn();
      client.events();
    }
    client.leave();
    client.last_id = client.ids[0];
    client.ask_again();
    world.turn();
    CHECK(client.events() == "gap(evicted) t6; t7; t8; t9;");
  }

  TEST_CASE(
      "an answer broken off by the upstream is asked for again by GET, with its own last id") {
    World world(replayed());
    Client client(world);
    client.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\n");
    world.call().cut();
    world.pass(seconds(2));
    CHECK(world.call().header("last-event-id") == "1");
    world.call().answer();
    world.call().send("id: 2\ndata: b\n\n");
    world.turn();
    CHECK(client.events() == "a b");
  }

  TEST_CASE("a gap says what its reader asked with, or which event it had last") {
    World world(replayed(4));
    const std::string ours = make_event_id(make_stream_name(), 5);
    Client stranger(world), knows_not(world), late(world);
    stranger.ask("/events", {{"last-event-id", ours}});
    knows_not.ask("/events", {{"last-event-id", "7"}});
    late.ask();
    for (std::size_t i = 0; i < 3; ++i) world.call(i).answer();
    for (int i = 0; i < 10; ++i) {
      for (std::size_t k = 0; k < 3; ++k) world.call(k).send("data: " + token(i) + "\n\n");
      world.turn();
      for (Client* client : {&stranger, &knows_not, &late}) client->read();
    }
    CHECK(stranger.gaps_behind == std::vector<std::string>{ours});
    CHECK(knows_not.gaps_behind == std::vector<std::string>{"7"});
    late.leave();
    late.last_id = late.ids[0];
    late.ask_again();
    world.turn();
    late.read();
    CHECK(late.gaps_behind == std::vector<std::string>{late.ids[0]});
  }

  TEST_CASE("at the process' bound an upstream is held back at a small part of its room") {
    World world(replayed(10'000, 160'000), {.sources = 100, .replay_bytes = 200'000});
    constexpr std::size_t kClients = 10;
    const std::string event = "data: " + std::string(994, 'x') + "\n\n";
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<int> sent(kClients, 0);
    for (std::size_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<Client>(world, i % 2));
      clients.back()->ask();
      world.call(i).answer();
    }
    // As an upstream with a window of 8 KiB does.
    const auto pour = [&](std::size_t i) {
      while (sent[i] < 70 && world.call(i).records.back().unpaid < 8'000) {
        world.call(i).send(event);
        ++sent[i];
      }
    };
    for (int round = 0; round < 80; ++round) {
      for (std::size_t i = 0; i < kClients; ++i) pour(i);
      world.turn();
    }
    // Each has a thirty-second of its bounds beyond, and an event or two.
    CHECK(world.sources.bytes() > 150'000);
    CHECK(world.sources.bytes() < 200'000 + kClients * (5'000 + 2'500));
    // What is held for those who stay is what they have not had: they alone go on with it.
    const int before = sent[9];
    CHECK(before < 70);
    for (std::size_t i = 0; i < 9; ++i) clients[i]->leave();
    world.pass(milliseconds(100));
    CHECK(world.sources.bytes() < 50'000);
    for (int round = 0; round < 80; ++round) {
      pour(9);
      world.turn();
    }
    CHECK(sent[9] == 70);  // It has read nothing: relief has reached it by itself.
    CHECK(world.call(9).records.back().unpaid == 0);
    for (int round = 0; round < 80; ++round) {
      clients[9]->read();
      world.turn();
    }
    CHECK(clients[9]->text.size() == 70U * 994);
    CHECK(clients[9]->gaps == 0);
  }

  TEST_CASE(
      "beyond the process' bound each reader still gets all, one event at a time if need be") {
    World world(replayed(20, 20'000), {.sources = 100, .replay_bytes = 5'000});
    Client a(world), b(world, 1);
    a.ask();
    b.ask();
    std::string whole;
    std::string sent;
    for (int i = 0; i < 50; ++i) {
      const std::string text = token(i) + std::string(1'500, 'x');
      whole += text;
      sent += "data: " + text + "\n\n";
    }
    for (std::size_t i = 0; i < 2; ++i) {
      world.call(i).answer();
      world.call(i).send(sent);
    }
    for (int i = 0; i < 300; ++i) {
      world.turn();
      a.read();
      b.read();
    }
    CHECK(a.text == whole);
    CHECK(b.text == whole);
    CHECK(a.gaps + b.gaps == 0);
  }

  TEST_CASE("whoever comes with an id of the upstream's takes over from a half dead one, too") {
    for (const char* id : {"1", "2", "3"}) {  // What was handed last may not have arrived.
      INFO(id);
      World world(replayed());
      Client old(world, 0), back(world, 1);
      old.ask();
      world.call().answer();
      world.call().send("id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: c\n\n");
      world.turn();
      old.read();
      back.ask("/events", {{"last-event-id", id}});
      world.call().send("id: 4\ndata: d\n\n");
      world.turn();
      world.pass(milliseconds(100));
      CHECK(world.asked() == 1);
      CHECK(old.is_aborted);
      const std::string expected[] = {"b c d", "c d", "d"};
      CHECK(back.events() == expected[id[0] - '1']);
      old.leave();
      world.pass(seconds(60));
      CHECK_FALSE(world.is_gone());
    }
  }

  TEST_CASE("an id that its reader was not given yet is somebody else's") {
    World world(replayed());
    Client reader(world), other(world);
    reader.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\n");
    world.turn();
    CHECK(reader.events() == "a");
    world.call().send("id: 2\ndata: b\n\n");
    world.turn();
    other.ask("/events", {{"last-event-id", "2"}});
    CHECK(world.asked() == 2);
    world.pass(milliseconds(100));
    CHECK_FALSE(reader.is_aborted);
    CHECK(reader.events() == "b");
  }

  TEST_CASE("a reader who was given more for longer than `linger` is alive, and keeps its stream") {
    World world(replayed());
    Client reader(world), other(world, 1);
    reader.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\nid: 2\ndata: b\n\n");
    world.turn();
    reader.read();
    world.pass(seconds(31));
    other.ask("/events", {{"last-event-id", "1"}});
    CHECK(world.asked() == 2);
    CHECK(world.call(1).header("last-event-id") == "1");
    world.pass(milliseconds(100));
    CHECK_FALSE(reader.is_aborted);
  }

  TEST_CASE("two tabs that read the same do not take each other's streams") {
    World world(replayed());
    Client one(world), two(world, 1), three(world);
    one.ask();
    two.ask();
    const auto send = [&](const std::string& id) {
      for (FakeCall* call : world.calls) call->send("id: " + id + "\ndata: " + id + "\n\n");
      world.turn();
      one.read();
      two.read();
    };
    for (FakeCall* call : world.calls) call->answer();
    send("1");
    send("2");
    // Of two that are attached none is known to be the one …
    three.ask("/events", {{"last-event-id", "2"}});
    CHECK(world.asked() == 3);
    three.leave();
    world.turn();
    // … and where one waits, it is that one.
    two.leave();
    world.turn();
    two.ask_again();
    world.pass(milliseconds(100));
    CHECK(world.asked() == 3);
    CHECK_FALSE(one.is_aborted);
  }

  TEST_CASE("who was taken over and lives asks for a stream of its own, and both go on") {
    World world(replayed());
    Client one(world), two(world, 1);
    one.ask();
    world.call().answer();
    world.call().send("id: 1\ndata: a\n\n");
    world.turn();
    CHECK(one.events() == "a");
    two.ask("/events", {{"last-event-id", "1"}});
    world.turn();
    world.pass(milliseconds(100));
    CHECK(one.is_aborted);
    one.ask_again();
    world.pass(milliseconds(100));
    CHECK(world.asked() == 2);
    CHECK(world.call(1).header("last-event-id") == "1");
    CHECK_FALSE(two.is_aborted);
    world.call(1).answer();
    world.call(0).send("id: 2\ndata: b\n\n");
    world.call(1).send("id: 2\ndata: b\n\n");
    world.turn();
    CHECK(one.events() == "b");
    CHECK(two.events() == "b");
  }
}

TEST_SUITE("the answer to a POST") {
  TEST_CASE("carries its stream's name, by which a GET goes on with it") {
    World world(posted());
    Client client(world), back(world, 1);
    client.post("/chat", "{\"stream\":true}");
    CHECK(world.call().records.back().body == "{\"stream\":true}");
    CHECK(client.consumed == 15);
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    CHECK(client.events() == "a");
    const std::string name = client.header("sluice-stream-id");
    CHECK(is_stream_name(name));
    CHECK(client.last_id == make_event_id(name, 1));
    client.leave();
    world.call().send("data: b\n\n");
    world.turn();
    back.ask("/chat", {{"last-event-id", client.last_id}});
    world.turn();
    CHECK(back.events() == "b");
    CHECK(back.header("sluice-stream-id") == name);
    back.ask("/chat?sluice-stream=" + name);
    world.turn();
    CHECK(back.events() == "a b");
    back.ask("/chat?sluice-stream=" + name, {{"last-event-id", client.last_id}});
    world.turn();
    CHECK(back.events() == "b");
    CHECK(world.asked() == 1);
    CHECK(world.call().records.size() == 1);
  }

  TEST_CASE("is not to be had by a name that is unknown, or of another") {
    World world(posted());
    Client client(world), other(world);
    client.principal = "p";
    client.post("/chat", "x");
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    const std::string name = client.header("sluice-stream-id");
    for (const std::string& target :
         {"/chat?sluice-stream=" + make_stream_name(), "/chat?sluice-stream=" + name,
          std::string("/chat?sluice-stream=x")}) {
      other.ask(target);
      CHECK(other.status() == 404);
      other.ask(target, {}, "DELETE");
      CHECK(other.status() == 404);
    }
    other.principal = "p";
    other.ask("/elsewhere?sluice-stream=" + name);
    CHECK(other.status() == 404);
    CHECK(client.events() == "a");
  }

  TEST_CASE("is stopped by DELETE, for all who read it") {
    World world(posted());
    Client client(world), other(world, 1);
    client.post("/chat", "x");
    world.call().answer();
    world.call().send("data: a\n\n");
    world.turn();
    const std::string name = client.header("sluice-stream-id");
    other.ask("/chat?sluice-stream=" + name, {}, "DELETE");
    CHECK(other.status() == 204);
    world.turn();
    CHECK(world.is_gone());
    CHECK(client.events() == "a");
    CHECK(client.has_ended);
    other.ask("/chat?sluice-stream=" + name, {}, "DELETE");
    CHECK(other.status() == 404);
    other.ask("/chat?sluice-stream=" + name);
    CHECK(other.status() == 404);
  }

  TEST_CASE("is stopped before the upstream has said anything: an end, and for newcomers 404") {
    RouteOptions options = posted();
    options.early_after = seconds(1);
    World world(options);
    Client client(world), other(world, 1), third(world);
    client.ask("/chat", {{"accept", "text/event-stream"}}, "POST").send("x", true);
    world.pass(seconds(2));
    const std::string target = "/chat?sluice-stream=" + client.header("sluice-stream-id");
    other.ask(target);
    third.ask(target, {}, "DELETE");
    CHECK(third.status() == 204);
    world.turn();
    CHECK(other.status() == 404);
    CHECK(other.read().wire == "there is no such stream\n");
  }

  TEST_CASE("is stopped by DELETE though only its head was told: the reader sees an end") {
    RouteOptions options = posted();
    options.early_after = seconds(1);
    World world(options);
    Client client(world), other(world);
    client.ask("/chat", {{"accept", "text/event-stream"}}, "POST").send("x", true);
    world.pass(seconds(2));
    CHECK(client.status() == 200);
    other.ask("/chat?sluice-stream=" + client.header("sluice-stream-id"), {}, "DELETE");
    world.turn();
    client.read();
    CHECK(client.wire == ":\n");
    CHECK(client.has_ended);
  }

  TEST_CASE("who takes one up that turns out to be none is not sent on to the upstream") {
    RouteOptions options = posted();
    options.early_after = seconds(1);
    World world(options);
    Client client(world), other(world);
    client.ask("/chat", {{"accept", "text/event-stream"}}, "POST").send("x", true);
    world.pass(seconds(2));
    other.ask("/chat?sluice-stream=" + client.header("sluice-stream-id"));
    world.call().answer(500, "text/html");
    world.turn();
    CHECK(other.status() == 404);
    CHECK(world.plain == 0);
    CHECK(world.asked() == 1);
  }

  TEST_CASE("a DELETE without a name is the application's own") {
    World world(posted());
    Client client(world);
    client.ask("/chat", {}, "DELETE");
    CHECK(world.plain == 1);
  }

  TEST_CASE("is never asked for again: it ends as the route's errors say") {
    const struct {
      ErrorForm form;
      const char* expected;
    } rows[] = {{ErrorForm::reset, ""},
                {ErrorForm::event, "event: error\ndata: {\"error\":"},
                {ErrorForm::openai, "data: {\"error\":"}};
    for (const auto& row : rows) {
      RouteOptions options = posted();
      options.errors = row.form;
      World world(options);
      Client client(world);
      client.post("/chat", "x");
      world.call().answer();
      world.call().send("data: a\n\n");
      world.call().cut();
      world.turn();
      client.read();
      world.pass(seconds(10));
      CHECK(client.text.starts_with("a"));
      CHECK(client.is_aborted == (row.form == ErrorForm::reset));
      CHECK(client.has_ended == (row.form != ErrorForm::reset));
      CHECK(client.wire.find(row.expected) != std::string::npos);
      CHECK(world.asked() == 1);
    }
  }

  TEST_CASE("that is no stream passes as it is") {
    World world(posted());
    Client client(world);
    client.post("/chat", "x");
    world.call().answer(200, "application/json");
    world.call().send("{}");
    world.call().complete();
    world.turn();
    CHECK(client.header("sluice-stream-id") == "-");
    CHECK(client.read().wire == "{}");
    CHECK(client.has_ended);
    world.turn();
    CHECK(world.sources.size() == 0);
  }

  TEST_CASE("whose client goes before all of its body is sent is stopped") {
    World world(posted());
    Client client(world);
    client.ask("/chat", {}, "POST");
    client.leave();
    world.turn();
    CHECK(world.is_gone());
  }

  TEST_CASE("may begin before the upstream does, and be gone on with from then on") {
    RouteOptions options = posted();
    options.early_after = seconds(5);
    World world(options);
    Client client(world), back(world);
    client.post("/chat", "{\"stream\": true}");
    world.pass(seconds(6));
    CHECK(client.status() == 200);
    CHECK(client.read().wire == ":\n");
    const std::string name = client.header("sluice-stream-id");
    client.leave();
    world.turn();
    world.call().answer();
    world.call().send("data: a\n\n");
    back.ask("/chat?sluice-stream=" + name);
    world.turn();
    CHECK(back.events() == "a");
  }

  TEST_CASE("that began early and then failed says so, and ends") {
    RouteOptions options = posted();
    options.early_after = seconds(5);
    World world(options);
    Client client(world);
    client.post("/chat", "{\"stream\": true}");
    world.pass(seconds(6));
    world.call().cut();
    world.turn();
    CHECK(client.read().wire.find("event: error\n") != std::string::npos);
    CHECK(client.has_ended);
    world.turn();
    CHECK(world.is_gone());
  }

  TEST_CASE("that began early and is refused then says why: 4 KiB, or what came in a second") {
    const std::string much(5'000, 'x');
    RouteOptions options = posted();
    options.early_after = seconds(5);
    enum class Body { whole, cut, endless, silent, none };
    for (const Body body : {Body::whole, Body::cut, Body::endless, Body::silent, Body::none}) {
      INFO(static_cast<int>(body));
      World world(options);
      Client client(world);
      client.post("/chat", "{\"stream\": true}");
      world.pass(seconds(6));
      world.call().answer(429, "text/plain");
      if (body != Body::none) world.call().send("slow down");
      if (body == Body::endless) world.call().send(much);
      if (body == Body::whole) world.call().complete();
      if (body == Body::cut) world.call().cut();
      if (body == Body::silent || body == Body::none) {
        world.pass(milliseconds(900));
        CHECK(client.read().wire.find("event: error\n") == std::string::npos);
        world.pass(milliseconds(200));
      }
      world.turn();
      client.read();
      const std::string why = body == Body::none ? "the upstream answered 429" : "slow down";
      CHECK(client.wire.find("\"status\":429") != std::string::npos);
      CHECK(client.wire.find("\"message\":\"" + why) != std::string::npos);
      CHECK(client.wire.size() < 4'300);
      CHECK(client.has_ended);
      world.turn();
      CHECK(world.is_gone());
    }
  }

  TEST_CASE("that says late that it wants a stream begins as soon as it says so") {
    RouteOptions options = posted();
    options.early_after = seconds(5);
    World world(options);
    Client client(world);
    client.ask("/chat", {}, "POST");
    client.send("{\"messages\": [");
    world.pass(seconds(6));
    CHECK(client.status() == 0);
    client.send("], \"stream\": true}", true);
    world.pass(milliseconds(200));
    CHECK(client.status() == 200);
    CHECK(client.read().wire == ":\n");
  }
}

/// One stream of tokens, by GET or POST, with the worst of clients and networks.
void read_with_accidents(std::mt19937& random) {
  const auto roll = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const bool is_post = roll(2) == 0;
  RouteOptions options = posted();
  options.replay.events = static_cast<std::size_t>(4 + roll(30));
  options.replay.bytes = static_cast<std::size_t>(200 + roll(3'000));
  World world(options);
  Client first(world, 0), second(world, 1);
  Client* client = &first;
  std::string text;
  std::string last_id;
  std::string name;
  const int total = 20 + roll(100);
  std::string upstream;
  for (int i = 0; i < total; ++i) {
    if (roll(10) == 0) upstream += ":comment\n";
    upstream += (roll(6) == 0 ? "id: u" + std::to_string(i) + "\n" : "") + "data: " + token(i) +
                std::string(roll(15) == 0 ? 150 : 0, '.') + "\n\n";
  }
  std::string whole;
  {
    sse::Parser parser({.on_message = [&](sse::Message&& m) { whole += m.data; },
                        .on_retry = nullptr,
                        .on_overflow = nullptr});
    parser.feed(upstream);
  }
  if (is_post) {
    client->post("/chat", "x");
  } else {
    client->ask("/chat");
  }
  world.call().answer();
  world.turn();
  name = client->header("sluice-stream-id");
  constexpr std::size_t kWindow = 512;
  bool is_complete = false;
  for (int step = 0; step < 20'000 && !client->has_ended; ++step) {
    if (!is_complete) {
      const std::size_t unpaid = world.call().records.back().unpaid;
      REQUIRE(unpaid <= kWindow);
      const std::size_t n =
          std::min({upstream.size(), kWindow - unpaid, static_cast<std::size_t>(roll(200))});
      if (n > 0) world.call().send(upstream.substr(0, n));
      upstream.erase(0, n);
      if (upstream.empty()) {
        world.call().complete();
        is_complete = true;
      }
    }
    if (roll(3) > 0) world.turn();
    if (roll(2) == 0) client->read(static_cast<std::size_t>(1 + roll(300)), 1 + random() % 50);
    if (roll(12) == 0 && !client->has_ended) {
      // Cut off; now and then the old connection seems to live on.
      text += std::exchange(client->text, {});
      if (!client->last_id.empty()) last_id = client->last_id;
      if (last_id.empty() && !is_post) continue;
      Client* next = roll(2) == 0 ? &first : &second;
      if (next == client || roll(3) > 0 || parse_event_id(last_id) == std::nullopt) client->leave();
      next->last_id = last_id;
      if (roll(2) == 0) world.turn();
      if (is_post && (last_id.empty() || !parse_event_id(last_id))) {
        http::Headers headers;
        if (!last_id.empty()) headers.add("last-event-id", last_id);
        next->ask("/chat?sluice-stream=" + name, headers);
      } else {
        world.turn();
        next->ask_again("/chat");
      }
      client = next;
      REQUIRE(world.asked() == 1);
    }
  }
  text += client->text;
  REQUIRE(client->has_ended);
  CHECK(first.gaps + second.gaps == 0);
  CHECK(text == whole);
}

TEST_SUITE("property: a stream of tokens") {
  TEST_CASE("arrives whole and once, whatever breaks on the way and however small the room") {
    std::mt19937 random(20);
    for (int i = 0; i < 300; ++i) {
      INFO(i);
      read_with_accidents(random);
    }
  }
}

}  // namespace
}  // namespace sluice::relay
