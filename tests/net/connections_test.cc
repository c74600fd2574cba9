#include "gateway/net/connections.h"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/socket.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/listener.h"
#include "tests/net/conversation.h"
#include "tests/tls/client.h"

namespace sluice::net {
namespace {

using std::chrono::seconds;

/// One worker's connections, a clock that stands still, and what was said on each connection.
struct House {
  explicit House(const Connections::Options& options = {})
      : connections(loop, options, [this](Transport& transport, const Hello& hello) {
          Conversation& talk = talks[hello.id];
          talk.alpn = hello.alpn;
          talk.peer = hello.peer;
          talk.first = text_of(hello.first);
          talk.is_tls = hello.is_tls;
          talk.listener = hello.listener;
          talk.transport = &transport;
          return refuses ? nullptr : std::make_unique<Script>(talk);
        }) {
    loop.set_turn_end([this] { return connections.flush(); });
  }

  /// A clear-text connection; returns the caller's end. `send_buffer` 0: the system's default.
  UniqueFd add_clear(int send_buffer = 0) {
    tls::SocketPair pair = tls::socket_pair();
    if (send_buffer > 0) {
      ::setsockopt(pair.server.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
    connections.add(std::move(pair.server), "192.0.2.1", nullptr, 3);
    return std::move(pair.client);
  }
  /// One that begins with a PROXY header, or is refused for it.
  UniqueFd add_proxied(bool by_tls, Proxied proxied = Proxied::yes) {
    tls::SocketPair pair = tls::socket_pair();
    connections.add(std::move(pair.server), "192.0.2.1", by_tls ? context : nullptr, 0, proxied);
    return std::move(pair.client);
  }
  UniqueFd add_tls(int send_buffer = 0) {
    tls::SocketPair pair = tls::socket_pair();
    if (send_buffer > 0) {
      ::setsockopt(pair.server.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    }
    connections.add(std::move(pair.server), "192.0.2.1", context, 0);
    return std::move(pair.client);
  }
  void turn(int times = 1) {
    for (int i = 0; i < times; ++i) loop.turn(false);
  }
  void pass(Duration time) {
    clock.advance(time);
    turn();
  }
  Conversation& talk(std::uint64_t id = 1) { return talks.at(id); }
  const Connections::Counters& counters() const { return connections.counters(); }

  ManualClock clock;
  Loop loop{clock};
  tls::TestCertificate certificate;
  std::shared_ptr<tls::Context> context = certificate.context();
  std::map<std::uint64_t, Conversation> talks;
  bool refuses = false;
  Connections connections;
};

/// A client whose handshake with the house is complete.
tls::TestClient tls_client(House& house, const std::string& alpn, int send_buffer = 0) {
  tls::TestClient client(house.add_tls(send_buffer), {.alpn = alpn});
  for (int i = 0; i < 10 && !client.handshake(); ++i) house.turn();
  house.turn();
  return client;
}

std::string read_all(House& house, tls::TestClient& client, std::size_t size) {
  std::string text;
  for (int i = 0; i < 10'000 && text.size() < size && client.end().empty(); ++i) {
    house.turn();
    text += client.read();
  }
  return text;
}

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

TEST_SUITE("Connection in clear text") {
  TEST_CASE("what the protocol says is written at the end of the turn in which it heard") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "hello");
    house.turn();
    CHECK(receive(caller) == "hello");
    CHECK(house.talk().peer == "192.0.2.1");
    CHECK(house.talk().listener == 3);
    CHECK_FALSE(house.talk().is_tls);
    CHECK(house.counters().bytes_in.value() == 5);
    CHECK(house.counters().bytes_out.value() == 5);
  }

  TEST_CASE("it is HTTP/1.1 from the first byte that is not of the HTTP/2 preface") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "P");
    house.turn();
    CHECK(house.talks.empty());
    send(caller, "OST / HTTP/1.1\r\n");
    house.turn();
    CHECK(house.talk().alpn == "http/1.1");
    CHECK(house.talk().first == "POST / HTTP/1.1\r\n");
    CHECK(house.talk().heard == "POST / HTTP/1.1\r\n");
  }

  TEST_CASE("it is HTTP/2 with the last byte of the preface, however slowly that comes") {
    House house;
    const UniqueFd caller = house.add_clear();
    for (const char byte : kPreface) {
      CHECK(house.talks.empty());
      send(caller, {&byte, 1});
      house.turn();
    }
    CHECK(house.talk().alpn == "h2");
    CHECK(house.talk().heard == kPreface);
  }

  TEST_CASE("it is HTTP/2 when frames follow the preface at once") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, kPreface + "frames");
    house.turn();
    CHECK(house.talk().alpn == "h2");
    CHECK(house.talk().heard == kPreface + "frames");
  }

  TEST_CASE("who says nothing in time is closed") {
    House house({.first_bytes_timeout = seconds(10)});
    const UniqueFd caller = house.add_clear();
    send(caller, "PRI");
    house.pass(seconds(9));
    CHECK(receive(caller) == "");
    house.pass(seconds(2));
    CHECK(receive(caller) == "<end>");
    CHECK(house.connections.size() == 0);
    CHECK(house.counters().first_bytes_timeouts.value() == 1);
  }

  TEST_CASE("who only knocks and goes is forgotten") {
    House house;
    house.add_clear().reset();
    house.turn();
    CHECK(house.connections.size() == 0);
    CHECK(house.counters().closed.value() == 1);
    CHECK(house.counters().open.value() == 0);
  }

  TEST_CASE("whom no protocol wants is closed cleanly") {
    House house;
    house.refuses = true;
    const UniqueFd caller = house.add_clear();
    send(caller, "GET");
    house.turn();
    CHECK(receive(caller) == "<end>");
  }
}

TEST_SUITE("Connection over TLS") {
  TEST_CASE("what the client says comes back, and ALPN names the protocol") {
    House house;
    auto client = tls_client(house, "\x02h2");
    CHECK(house.talk().alpn == "h2");
    CHECK(house.talk().is_tls);
    client.write("hello");
    CHECK(read_all(house, client, 5) == "hello");
    CHECK(house.counters().handshakes.value() == 1);
  }

  TEST_CASE("without ALPN it is HTTP/1.1, even if the bytes look like HTTP/2") {
    House house;
    auto client = tls_client(house, "");
    client.write(kPreface);
    house.turn();
    CHECK(house.talk().alpn == "http/1.1");
  }

  TEST_CASE("a client that shares no protocol with us reads the alert that says so") {
    House house;
    auto client = tls_client(house, "\x06spdy/3");
    CHECK(client.end() == "tlsv1 alert no application protocol");
    CHECK(house.counters().handshake_failures.value() == 1);
    CHECK(house.talks.empty());
  }

  TEST_CASE("a handshake that takes too long is ended") {
    House house({.handshake_timeout = seconds(10)});
    const UniqueFd caller = house.add_tls();
    house.pass(seconds(9));
    CHECK(house.connections.size() == 1);
    house.pass(seconds(2));
    CHECK(house.connections.size() == 0);
    CHECK(house.counters().handshake_timeouts.value() == 1);
  }

  TEST_CASE("a body larger than a turn may read arrives whole, without another packet") {
    House house({.read_budget = 20'000});
    auto client = tls_client(house, "");
    house.talk().echoes = false;
    const std::string body = pattern(60'000);
    std::size_t sent = 0;
    while (sent < body.size()) {
      const std::size_t n = client.write(std::string_view(body).substr(sent));
      sent += n;
      if (n == 0) house.turn();
    }
    house.turn(20);
    CHECK(house.talk().heard == body);
  }
}

TEST_SUITE("Connection behind a balancer") {
  const std::string kHeader = "PROXY TCP4 198.51.100.9 192.0.2.1 56324 443\r\n";

  TEST_CASE("its peer is whom the PROXY header names, and what follows is the protocol's") {
    House house;
    const UniqueFd caller = house.add_proxied(false);
    for (const char byte : kHeader) {
      send(caller, {&byte, 1});
      house.turn();
      CHECK(house.talks.empty());
    }
    send(caller, "GET");
    house.turn(2);
    CHECK(house.talk().peer == "198.51.100.9");
    CHECK(house.talk().heard == "GET");
  }

  TEST_CASE("over TLS the header comes before the handshake, and may come with it") {
    House house;
    UniqueFd caller = house.add_proxied(true);
    send(caller, kHeader);
    tls::TestClient client(std::move(caller), {.alpn = "h2"});
    for (int i = 0; i < 20 && !client.handshake(); ++i) house.turn();
    client.write("hello");
    house.turn(2);
    CHECK(house.talk().peer == "198.51.100.9");
    CHECK(house.talk().heard == "hello");
    CHECK(house.talk().is_tls);
  }

  TEST_CASE("a balancer that speaks for itself is the peer") {
    House house;
    const UniqueFd caller = house.add_proxied(false);
    send(caller, "PROXY UNKNOWN\r\nGET");
    house.turn(2);
    CHECK(house.talk().peer == "192.0.2.1");
  }

  TEST_CASE("who comes without a header, or from elsewhere, is refused with a FIN") {
    for (const auto& [sent, proxied] :
         {std::pair(std::string("GET / HTTP/1.1\r\n\r\n"), Proxied::yes),
          std::pair(kHeader, Proxied::refused)}) {
      House house;
      const UniqueFd caller = house.add_proxied(false, proxied);
      send(caller, sent);
      house.turn(2);
      CHECK(house.talks.empty());
      CHECK(receive(caller) == "<end>");
      CHECK(house.counters().proxy_refusals.value() == 1);
    }
  }

  TEST_CASE("who says nothing of the kind in time is closed") {
    House house({.first_bytes_timeout = seconds(10)});
    const UniqueFd caller = house.add_proxied(false);
    send(caller, "PROXY TCP4 ");
    house.turn();
    house.pass(seconds(11));
    CHECK(receive(caller) == "<end>");
    CHECK(house.counters().first_bytes_timeouts.value() == 1);
  }
}

TEST_SUITE("Connection over TCP") {
  /// Both ends of a connection on loopback: the kernel's segments, and what it keeps, are real.
  tls::SocketPair tcp_pair() {
    auto socket = bind_and_listen(resolve("127.0.0.1:0")->front(), {});
    REQUIRE(socket);
    const SocketAddress address = local_address(socket->get());
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), address.data(), address.size()) == 0);
    UniqueFd server(::accept4(socket->get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(::fcntl(client.get(), F_SETFL, O_NONBLOCK) == 0);
    return {.server = std::move(server), .client = std::move(client)};
  }

  TEST_CASE("what the kernel kept for a next write leaves in the same turn, if none comes") {
    House house;
    tls::SocketPair pair = tcp_pair();
    house.connections.add(std::move(pair.server), "192.0.2.1", nullptr, 0);
    send(pair.client, "x");
    house.turn();
    CHECK(receive(pair.client) == "x");
    house.talk().promises_more = true;
    for (const std::size_t size : std::initializer_list<std::size_t>{1, 16'384, 40'000}) {
      house.talk().say(pattern(size));
      house.turn();
      const bool has_all = receive(pair.client) == pattern(size);
      CHECK(has_all);
    }
  }
}

/// The same for both kinds of connection: fills the socket until it is full, then drains it.
TEST_SUITE("Connection whose peer reads slowly") {
  TEST_CASE("nothing is filled while the socket is full, and nothing is lost") {
    House house;
    const UniqueFd caller = house.add_clear(4096);
    send(caller, "x");
    house.turn();
    CHECK(receive(caller) == "x");
    const std::string all = pattern(1'000'000);
    house.talk().say(all);
    house.turn(5);
    CHECK(house.counters().write_blocked.value() == 1);
    const int fills = house.talk().fills;
    house.talk().say("!");
    house.turn(5);
    CHECK(house.talk().fills == fills);
    std::string got;
    for (int i = 0; i < 1000 && got.size() < all.size() + 1; ++i) {
      got += receive(caller);
      house.turn();
    }
    CHECK(got == all + "!");
  }

  TEST_CASE("over TLS the half-sent record is finished first") {
    House house;
    auto client = tls_client(house, "", 4096);
    const std::string all = pattern(1'000'000);
    house.talk().say(all);
    house.turn(5);
    CHECK(house.counters().write_blocked.value() == 1);
    CHECK(read_all(house, client, all.size()) == all);
    CHECK(house.counters().bytes_out.value() == all.size());
  }

  TEST_CASE("one that takes nothing for too long is closed") {
    House house({.write_timeout = seconds(60)});
    const UniqueFd caller = house.add_clear(4096);
    send(caller, "x");
    house.turn();
    house.talk().say(pattern(1'000'000));
    house.turn();
    house.pass(seconds(59));
    CHECK(house.connections.size() == 1);
    house.pass(seconds(2));
    CHECK(house.connections.size() == 0);
    CHECK(house.counters().write_timeouts.value() == 1);
    CHECK(house.talk().is_gone);
  }

  TEST_CASE("one that takes a little now and then is not") {
    House house({.write_timeout = seconds(60)});
    auto client = tls_client(house, "", 4096);
    house.talk().say(pattern(1'000'000));
    house.turn();
    char some[16'000];  // Less than a record.
    for (int i = 0; i < 5; ++i) {
      REQUIRE(::recv(client.fd(), some, sizeof some, 0) > 0);
      house.pass(seconds(50));
    }
    CHECK(house.connections.size() == 1);
  }

  TEST_CASE("one with much to be sent leaves the others their turn") {
    House house({.flush_budget = 32_KiB});
    const UniqueFd caller = house.add_clear(1'000'000);
    send(caller, "x");
    house.turn();
    house.talk().say(pattern(100'000));
    house.turn();
    CHECK(receive(caller).size() == 1 + 32_KiB);
    house.turn(3);  // Nobody said anything: the rest goes by itself.
    CHECK(receive(caller).size() == 100'000 - 32_KiB);
  }
}

TEST_SUITE("Connections with many handshakes") {
  /// Clients that have all said their hello.
  std::vector<tls::TestClient> newcomers(House & house, std::size_t count) {
    std::vector<tls::TestClient> clients;
    for (std::size_t i = 0; i < count; ++i) {
      clients.emplace_back(house.add_tls(), tls::TestClient::Wishes{});
      clients.back().handshake();
    }
    return clients;
  }
  std::size_t answered(const std::vector<tls::TestClient>& clients) {
    char byte = 0;
    return static_cast<std::size_t>(
        std::count_if(clients.begin(), clients.end(), [&byte](const tls::TestClient& client) {
          return ::recv(client.fd(), &byte, 1, MSG_PEEK) == 1;
        }));
  }

  TEST_CASE("a turn takes a few of them, in their order, and comes back for the others by itself") {
    House house({.handshakes_per_turn = 3});
    const auto clients = newcomers(house, 8);
    for (const std::size_t done : {3U, 6U, 8U, 8U}) {
      house.turn();
      CHECK(answered(clients) == done);
    }
    CHECK(house.counters().handshakes_put_off.value() == 5);
  }

  TEST_CASE("what is to be delivered meanwhile leaves in each turn") {
    House house({.handshakes_per_turn = 1});
    const UniqueFd caller = house.add_clear();
    send(caller, "x");
    house.turn();
    const auto clients = newcomers(house, 5);
    for (std::size_t done = 1; done <= 5; ++done) {
      receive(caller);
      house.talk().say("event");
      house.turn();
      CHECK(receive(caller) == "event");
      CHECK(answered(clients) == done);
    }
  }

  TEST_CASE("all of them come to their end") {
    House house({.handshakes_per_turn = 2});
    auto clients = newcomers(house, 9);
    for (int i = 0; i < 20; ++i) {
      for (auto& client : clients) client.handshake();
      house.turn();
    }
    CHECK(house.counters().handshakes.value() == 9);
    CHECK(house.talks.size() == 9);
  }

  TEST_CASE("one that is closed while it waits gives its place to the next") {
    House house({.handshake_timeout = seconds(10), .handshakes_per_turn = 1});
    const auto clients = newcomers(house, 3);
    house.turn();
    CHECK(answered(clients) == 1);
    house.pass(seconds(11));  // One more is answered in time, then the deadline comes.
    house.turn(3);
    CHECK(house.connections.size() == 0);
    CHECK(house.counters().handshake_timeouts.value() == 3);
    const auto later = newcomers(house, 2);
    house.turn(2);
    CHECK(answered(later) == 2);
  }
}

TEST_SUITE("Connection with a protocol that pauses") {
  TEST_CASE("it is not read, and goes on where it was") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "one ");
    house.turn();
    house.talk().reads = false;
    send(caller, "two ");
    house.turn(3);  // The first of these reads nothing and takes the socket out of the loop.
    CHECK(house.talk().heard == "one ");
    house.talk().reads = true;
    house.talk().transport->flush_later();
    house.turn(2);
    CHECK(house.talk().heard == "one two ");
  }

  TEST_CASE("a caller that is gone is noticed, though nobody reads what it left") {
    House house;
    UniqueFd caller = house.add_clear();
    send(caller, "one ");
    house.turn();
    house.talk().reads = false;
    send(caller, "two ");
    house.turn(2);
    CHECK_FALSE(house.talk().is_gone);
    caller.reset();
    house.turn();
    CHECK(house.talk().is_gone);
    CHECK(house.talk().heard == "one ");
    CHECK(house.connections.size() == 0);
  }

  TEST_CASE("over TLS, bytes that were decrypted before the pause are not forgotten") {
    House house;
    auto client = tls_client(house, "");
    house.talk().echoes = false;
    house.talk().reads = false;
    house.talk().transport->flush_later();
    house.turn();
    client.write("one ");
    client.write("two ");
    house.turn(2);
    CHECK(house.talk().heard.empty());
    house.talk().reads = true;
    house.talk().transport->flush_later();
    house.turn(3);
    CHECK(house.talk().heard == "one two ");
  }
}

TEST_SUITE("Connection at its end") {
  TEST_CASE("a finished protocol's last words arrive, then a FIN") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "bye");
    house.turn();
    house.talk().finished = true;
    house.talk().say(", see you");
    house.turn();
    CHECK(receive(caller) == "bye, see you<end>");
    CHECK(house.talk().is_gone);
    CHECK(house.connections.size() == 1);  // It waits for the caller's FIN.
  }

  TEST_CASE("what the caller still sends does not destroy the last words") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "x");
    house.turn();
    house.talk().finished = true;
    house.talk().say("last words");
    house.turn();
    send(caller, pattern(50'000));
    house.turn(3);
    CHECK(receive(caller) == "xlast words<end>");
    CHECK(house.talk().heard == "x");
  }

  TEST_CASE("the caller's FIN ends the wait, and so does the time") {
    House house({.linger = seconds(2)});
    const UniqueFd polite = house.add_clear();
    const UniqueFd silent = house.add_clear();
    for (const UniqueFd* caller : {&polite, &silent}) send(*caller, "x");
    house.turn();
    for (auto& [id, talk] : house.talks) {
      talk.finished = true;
      talk.transport->flush_later();
    }
    house.turn();
    REQUIRE(::shutdown(polite.get(), SHUT_WR) == 0);
    house.turn();
    CHECK(house.connections.size() == 1);
    house.pass(seconds(3));
    CHECK(house.connections.size() == 0);
  }

  TEST_CASE("over TLS the last word is close_notify") {
    House house;
    auto client = tls_client(house, "");
    house.talk().finished = true;
    house.talk().say("bye");
    CHECK(read_all(house, client, 3) == "bye");
    CHECK(client.read().empty());
    CHECK(client.end() == "closed");
  }

  TEST_CASE("a caller that has said all may still listen") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "question");
    house.turn();
    house.talk().finishes_at_eof = false;
    REQUIRE(::shutdown(caller.get(), SHUT_WR) == 0);
    house.turn();
    CHECK(house.talk().eof);
    house.talk().say(" answer");
    house.turn();
    CHECK(receive(caller) == "question answer");
    house.talk().finished = true;
    house.talk().transport->flush_later();
    house.turn();
    CHECK(house.connections.size() == 0);  // Both have said FIN: nothing to wait for.
  }

  TEST_CASE("close_all closes everything at once") {
    House house;
    const UniqueFd caller = house.add_clear();
    auto client = tls_client(house, "");
    send(caller, "x");
    house.turn();
    house.connections.close_all();
    CHECK(house.connections.size() == 0);
    CHECK(receive(caller) == "x<end>");
    CHECK(client.read().empty());
    CHECK(client.end() == "closed");
    house.turn();
  }
}

TEST_SUITE("Connections") {
  TEST_CASE("any number of wishes to speak in a turn are one flush") {
    House house;
    const UniqueFd caller = house.add_clear();
    send(caller, "x");
    house.turn();
    const auto flushes = house.counters().flushes.value();
    for (int i = 0; i < 10; ++i) house.talk().say("y");
    house.turn();
    CHECK(house.counters().flushes.value() == flushes + 1);
    CHECK(receive(caller) == "xyyyyyyyyyy");
  }

  TEST_CASE("a protocol looks at its time limits when it asked to, and may end itself then") {
    House house;
    const UniqueFd caller = house.add_clear();
    house.talks[1].check_at = house.loop.now() + seconds(5);
    send(caller, "x");
    house.turn();
    CHECK(house.talk().checks == 1);
    house.pass(seconds(4));
    CHECK(house.talk().checks == 1);
    house.talk().check_at = house.loop.now() + seconds(100);
    house.talk().finished = true;
    house.pass(seconds(2));
    CHECK(house.talk().checks == 2);
    CHECK(receive(caller) == "x<end>");
  }

  TEST_CASE("over TCP too eight megabytes for a slow reader arrive whole, with a FIN behind it") {
    House house;
    auto address = resolve("127.0.0.1:0");
    REQUIRE(address);
    auto socket = bind_and_listen(address->front(), {});
    REQUIRE(socket);
    Listener listener(house.loop, std::move(*socket), {}, [&](UniqueFd fd, std::string peer) {
      house.connections.add(std::move(fd), std::move(peer), nullptr, 0);
    });
    address->front().set_port(listener.port());
    const UniqueFd caller(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(caller.get(), address->front().data(), address->front().size()) == 0);
    send(caller, "x");
    while (house.talks.empty()) house.turn();
    const std::string all = pattern(8'000'000);
    house.talk().finished = true;
    house.talk().say(all);
    house.turn(10);
    REQUIRE(::fcntl(caller.get(), F_SETFL, O_NONBLOCK) == 0);
    std::string got;
    for (int i = 0; i < 1'000'000 && !got.ends_with("<end>"); ++i) {
      got += receive(caller);
      house.turn();
    }
    CHECK(got == "x" + all + "<end>");
    CHECK(house.counters().write_blocked.value() > 0);
    CHECK(house.talk().peer == "127.0.0.1");
  }

  TEST_CASE("every protocol that speaks can be reached, to tell it of the drain") {
    House house;
    std::vector<UniqueFd> callers;
    for (int i = 0; i < 3; ++i) {
      callers.push_back(house.add_clear());
      send(callers.back(), "x");
    }
    const UniqueFd undecided = house.add_clear();
    house.turn();
    int reached = 0;
    house.connections.for_each([&](Protocol& protocol) {
      ++reached;
      protocol.drain_finish();
    });
    CHECK(reached == 3);
    CHECK(house.counters().accepted.value() == 4);
  }
}

}  // namespace
}  // namespace sluice::net
