#include "gateway/net/dial.h"

#include <deque>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/net/connections.h"
#include "gateway/net/listener.h"
#include "tests/net/conversation.h"
#include "tests/tls/client.h"
#include "tls/client_context.h"

namespace sluice::net {
namespace {

using std::chrono::seconds;

/// What became of one dial.
struct Outcome {
  bool is_told = false;
  std::string alpn = "none yet";
  std::optional<DialFailure> failure;
  Conversation talk;
};

/// A worker that dials, and on the same loop a server on a port of this machine.
struct House {
  explicit House(const Connections::Options& options = {}, int backlog = 16)
      : served(loop, {},
               [this](Transport& transport, const Hello& hello) {
                 Conversation& talk = heard[hello.id];
                 talk.alpn = hello.alpn;
                 talk.transport = &transport;
                 return std::make_unique<Script>(talk);
               }),
        dialled(loop, options, nullptr) {
    auto made = bind_and_listen(*SocketAddress::parse("127.0.0.1", 0), {.backlog = backlog});
    REQUIRE(made);
    socket = std::move(*made);
    loop.set_turn_end([this] {
      served.flush();
      dialled.flush();
      return served.has_work() || dialled.has_work();
    });
  }

  [[nodiscard]] SocketAddress address() const { return local_address(socket.get()); }
  Dial to(const SocketAddress& where, Outcome& outcome) {
    return {.address = where,
            .opened =
                [this, &outcome](Transport& transport, std::string_view alpn) {
                  CHECK_FALSE(outcome.is_told);
                  outcome.is_told = true;
                  outcome.alpn = alpn;
                  outcome.talk.transport = &transport;
                  outcome.talk.echoes = false;
                  return refuses ? nullptr : std::make_unique<Script>(outcome.talk);
                },
            .failed =
                [&outcome](const DialFailure& failure) {
                  CHECK_FALSE(outcome.is_told);
                  outcome.is_told = true;
                  outcome.failure = failure;
                }};
  }
  Dial to_server(Outcome& outcome) { return to(address(), outcome); }
  Dial to_server_by_tls(Outcome& outcome) {
    Dial dial = to_server(outcome);
    dial.tls = client;
    dial.server_name = "localhost";
    return dial;
  }
  void trust(const tls::ClientContext::Options& options) {
    auto made = tls::ClientContext::create(options);
    REQUIRE(made);
    client = *made;
  }
  /// The server's end of the next connection.
  UniqueFd accept() const {
    UniqueFd fd(::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    REQUIRE(fd);
    return fd;
  }
  void serve(bool by_tls) {
    served.add(accept(), "127.0.0.1",
               by_tls ? std::shared_ptr<const tls::Context>(context) : nullptr, 0);
  }
  void turn(int times = 1) {
    for (int i = 0; i < times; ++i) loop.turn(false);
  }
  void pass(Duration time) {
    clock.advance(time);
    turn();
  }
  const Connections::Counters& counters() const { return dialled.counters(); }

  ManualClock clock;
  Loop loop{clock};
  tls::TestCertificate certificate;
  std::shared_ptr<tls::Context> context = certificate.context();
  std::shared_ptr<const tls::ClientContext> client;
  std::map<std::uint64_t, Conversation> heard;
  std::deque<Outcome> outcomes;
  bool refuses = false;
  UniqueFd socket;
  Connections served;
  Connections dialled;
};

/// A dial whose connection is open, and the server's end of it.
UniqueFd open_clear(House& house, Outcome& outcome) {
  house.dialled.dial(house.to_server(outcome));
  house.turn(2);
  REQUIRE(outcome.is_told);
  REQUIRE_FALSE(outcome.failure);
  return house.accept();
}

/// A dial by TLS, with both sides on this loop.
void open_tls(House& house, Outcome& outcome) {
  house.dialled.dial(house.to_server_by_tls(outcome));
  house.serve(true);
  house.turn(10);
  REQUIRE(outcome.is_told);
}

/// The failure of a dial by TLS to the house's server.
DialFailure tls_failure(House& house, const std::string& name) {
  Outcome& outcome = house.outcomes.emplace_back();
  Dial dial = house.to_server_by_tls(outcome);
  dial.server_name = name;
  house.dialled.dial(std::move(dial));
  house.serve(true);
  house.turn(10);
  REQUIRE(outcome.failure);
  CHECK(house.dialled.size() == 0);
  return *outcome.failure;
}

int option_of(int level, int name, int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

TEST_SUITE("A connection that we opened, to a server that does not read") {
  TEST_CASE("it ends at once when its protocol has given up") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    outcome.talk.to_say = std::string(32_MiB, 'x');
    const UniqueFd server = open_clear(house, outcome);
    for (int i = 0; i < 1000 && house.counters().write_blocked.value() == 0; ++i) house.turn();
    REQUIRE(house.counters().write_blocked.value() == 1);
    outcome.talk.to_say.clear();
    outcome.talk.finished = true;
    outcome.talk.transport->flush_later();
    house.turn(2);
    CHECK(outcome.talk.is_gone);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("what the server said before it closed is heard") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    outcome.talk.reads = false;  // Its answer waits in the kernel when the write fails.
    {
      const UniqueFd server = open_clear(house, outcome);
      outcome.talk.say("a request");
      house.turn();
      send(server, "too large");
    }  // It has not read the request: its end is a reset.
    outcome.talk.reads = true;
    outcome.talk.say("more of it");
    house.dialled.flush();
    house.turn(2);
    CHECK(outcome.talk.heard == "too large");
    CHECK(outcome.talk.is_gone);
  }
}

TEST_SUITE("A dial in clear text") {
  TEST_CASE("it opens, and what the protocol says is on its way in that turn") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    outcome.talk.to_say = "hello";
    house.dialled.dial(house.to_server(outcome));
    CHECK_FALSE(outcome.is_told);
    house.turn(2);
    CHECK(outcome.alpn.empty());
    const UniqueFd server = house.accept();
    CHECK(receive(server) == "hello");
    send(server, "welcome");
    house.turn();
    CHECK(outcome.talk.heard == "welcome");
    CHECK(house.counters().dials.value() == 1);
    CHECK(house.counters().dial_failures.value() == 0);
    CHECK(house.counters().accepted.value() == 0);
  }

  TEST_CASE("a server that speaks first is heard") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    house.dialled.dial(house.to_server(outcome));
    const UniqueFd server = house.accept();
    send(server, "220 ready");
    house.turn(2);
    CHECK(outcome.talk.heard == "220 ready");
  }

  TEST_CASE("a port to which nobody listens is refused, in a later turn") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const SocketAddress address = house.address();
    house.socket.reset();
    house.dialled.dial(house.to(address, outcome));
    CHECK_FALSE(outcome.is_told);
    house.turn(2);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::refused);
    CHECK(outcome.failure->what == "connection refused");
    CHECK(house.dialled.size() == 0);
    CHECK(house.counters().dial_failures.value() == 1);
  }

  TEST_CASE("what has no way is unreachable, and no address at all, too") {
    House house;
    for (const auto& address : {*SocketAddress::parse("224.0.0.1", 80), SocketAddress()}) {
      Outcome& outcome = house.outcomes.emplace_back();
      house.dialled.dial(house.to(address, outcome));
      CHECK_FALSE(outcome.is_told);
      house.turn();
      REQUIRE(outcome.failure);
      CHECK(outcome.failure->error == DialError::unreachable);
    }
  }

  TEST_CASE("without a descriptor it fails in the next turn") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    house.dialled.dial(house.to_server(outcome));
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(outcome.is_told);
    house.turn();
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::descriptors);
    CHECK(outcome.failure->what == "too many open files");
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("a server that does not answer is waited for as long as the dial says") {
    House house({}, 0);
    std::vector<UniqueFd> crowd;  // Fills the kernel's queue, which then drops who knocks.
    for (int i = 0; i < 4; ++i) {
      crowd.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const SocketAddress address = house.address();
      ::connect(crowd.back().get(), address.data(), address.size());
    }
    Outcome& outcome = house.outcomes.emplace_back();
    Dial dial = house.to_server(outcome);
    dial.timeout = seconds(3);
    house.dialled.dial(std::move(dial));
    house.turn(2);
    house.pass(seconds(2));
    CHECK_FALSE(outcome.is_told);
    house.pass(seconds(2));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::timeout);
    CHECK(outcome.failure->what == "connection timed out");
    CHECK(house.counters().dial_timeouts.value() == 1);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("its time limit does not outlast it") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const UniqueFd server = open_clear(house, outcome);
    house.pass(seconds(60));
    CHECK(house.dialled.size() == 1);
    send(server, "late");
    house.turn();
    CHECK(outcome.talk.heard == "late");
  }

  TEST_CASE("what the functions hold is freed as soon as one of them was called") {
    House house;
    for (const bool succeeds : {true, false}) {
      const auto held = std::make_shared<int>();
      Outcome& outcome = house.outcomes.emplace_back();
      const SocketAddress address = house.address();
      if (!succeeds) house.socket.reset();
      Dial dial = house.to(address, outcome);
      dial.opened = [held, open = dial.opened](Transport& transport, std::string_view alpn) {
        return open(transport, alpn);
      };
      dial.failed = [held, fail = dial.failed](const DialFailure& failure) { fail(failure); };
      house.dialled.dial(std::move(dial));
      CHECK(held.use_count() == 3);
      house.turn(2);
      CHECK(outcome.failure.has_value() != succeeds);
      CHECK(held.use_count() == 1);
      house.dialled.close_all();
    }
  }

  TEST_CASE("who fails may dial again at once") {
    House house;
    Outcome& first = house.outcomes.emplace_back();
    Outcome& second = house.outcomes.emplace_back();
    Dial dial = house.to(SocketAddress(), first);
    dial.failed = [&](const DialFailure&) { house.dialled.dial(house.to_server(second)); };
    house.dialled.dial(std::move(dial));
    house.turn(3);
    CHECK(second.alpn.empty());
    CHECK(house.dialled.size() == 1);
  }

  TEST_CASE("whom no protocol wants is closed") {
    House house;
    house.refuses = true;
    Outcome& outcome = house.outcomes.emplace_back();
    house.dialled.dial(house.to_server(outcome));
    house.turn(2);
    CHECK(outcome.is_told);
    CHECK(house.dialled.size() == 0);
    CHECK(receive(house.accept()) == "<end>");
  }

  TEST_CASE("neither function is called when all is closed before") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    house.dialled.dial(house.to_server(outcome));
    house.dialled.close_all();
    house.turn(2);
    CHECK_FALSE(outcome.is_told);
  }

  TEST_CASE("a silent peer is probed, and one that does not acknowledge is given up") {
    House house({.user_timeout = Millis(20'000), .keep_alive = seconds(7)});
    Outcome& outcome = house.outcomes.emplace_back();
    const int before = ::dup(0);
    ::close(before);  // The lowest that is free: the dial's.
    const UniqueFd server = open_clear(house, outcome);
    CHECK(option_of(SOL_SOCKET, SO_KEEPALIVE, before) == 1);
    CHECK(option_of(IPPROTO_TCP, TCP_KEEPIDLE, before) == 7);
    CHECK(option_of(IPPROTO_TCP, TCP_KEEPINTVL, before) == 7);
    CHECK(option_of(IPPROTO_TCP, TCP_USER_TIMEOUT, before) == 20'000);
    CHECK(option_of(IPPROTO_TCP, TCP_NODELAY, before) == 1);
    CHECK(option_of(IPPROTO_TCP, TCP_NOTSENT_LOWAT, before) == 16'384);
  }
}

TEST_SUITE("A dial by TLS") {
  TEST_CASE("it opens with what ALPN chose, and both sides hear each other") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    Outcome& outcome = house.outcomes.emplace_back();
    outcome.talk.to_say = "hello";
    open_tls(house, outcome);
    CHECK(outcome.alpn == "h2");
    CHECK(house.heard.at(1).alpn == "h2");
    CHECK(house.heard.at(1).heard == "hello");
    CHECK(outcome.talk.heard == "hello");  // The server's script echoes.
    CHECK(house.counters().handshakes.value() == 1);
  }

  TEST_CASE("a server that chose nothing is opened without a choice") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    SSL_CTX_set_alpn_select_cb(house.context->handle(), nullptr, nullptr);
    Outcome& outcome = house.outcomes.emplace_back();
    open_tls(house, outcome);
    CHECK(outcome.alpn.empty());
  }

  TEST_CASE("without a name, the certificate must be for the address") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    Outcome& outcome = house.outcomes.emplace_back();
    Dial dial = house.to_server_by_tls(outcome);
    dial.server_name.clear();
    house.dialled.dial(std::move(dial));
    house.serve(true);
    house.turn(10);
    CHECK(outcome.alpn == "h2");
  }

  TEST_CASE("the second one resumes the session of the first") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    Outcome& first = house.outcomes.emplace_back();
    open_tls(house, first);
    CHECK(house.counters().resumptions.value() == 0);
    Outcome& second = house.outcomes.emplace_back();
    open_tls(house, second);
    CHECK(house.counters().resumptions.value() == 1);
    CHECK(house.counters().handshakes.value() == 2);
  }

  TEST_CASE("a certificate that nobody vouches for is told as it is") {
    House house;
    const tls::TestCertificate stranger;
    house.trust({.ca_file = stranger.certificate});
    const DialFailure failure = tls_failure(house, "localhost");
    CHECK(failure.error == DialError::tls);
    CHECK(failure.what == "self-signed certificate");
    CHECK(house.counters().handshake_failures.value() == 1);
    house.turn(3);
    CHECK(house.served.counters().handshake_failures.value() == 1);  // It has read our alert.
  }

  TEST_CASE("a certificate for another name is told as it is") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    CHECK(tls_failure(house, "example.org").what == "hostname mismatch");
  }

  TEST_CASE("a name that no server can have fails") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    CHECK(tls_failure(house, std::string(300, 'a')).what == "no server can have this name");
  }

  TEST_CASE("a server with which no protocol is shared says so") {
    House house;
    tls::Options options = house.certificate.options();
    options.http2 = false;
    house.context = *tls::Context::create(options);
    house.trust({.ca_file = house.certificate.certificate,
                 .protocols = tls::ClientContext::Protocols::http2});
    CHECK(tls_failure(house, "localhost").what == "tlsv1 alert no application protocol");
  }

  TEST_CASE("a server that speaks no TLS is told as it is") {
    House house;
    house.trust({});
    Outcome& outcome = house.outcomes.emplace_back();
    house.dialled.dial(house.to_server_by_tls(outcome));
    house.turn(2);
    const UniqueFd server = house.accept();
    send(server, "HTTP/1.1 400 Bad Request\r\n\r\n");
    house.turn(2);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::tls);
    CHECK(outcome.failure->what == "wrong version number");
  }

  TEST_CASE("a server that goes away in the handshake is told as it is") {
    House house;
    house.trust({});
    Outcome& outcome = house.outcomes.emplace_back();
    house.dialled.dial(house.to_server_by_tls(outcome));
    house.turn(2);
    const UniqueFd server = house.accept();
    REQUIRE(::shutdown(server.get(), SHUT_WR) == 0);
    house.turn(2);
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::tls);
    CHECK(outcome.failure->what == "the server closed the connection in the TLS handshake");
  }

  TEST_CASE("a server that never shakes hands is given up in time") {
    House house;
    house.trust({});
    Outcome& outcome = house.outcomes.emplace_back();
    Dial dial = house.to_server_by_tls(outcome);
    dial.timeout = seconds(3);
    house.dialled.dial(std::move(dial));
    house.turn(2);
    const UniqueFd server = house.accept();
    house.pass(seconds(2));
    CHECK_FALSE(outcome.is_told);
    house.pass(seconds(2));
    REQUIRE(outcome.failure);
    CHECK(outcome.failure->error == DialError::timeout);
    CHECK(outcome.failure->what == "TLS handshake timed out");
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("many at once take a few steps in a turn, and all come to their end") {
    House house({.handshakes_per_turn = 2});
    house.trust({.ca_file = house.certificate.certificate});
    for (int i = 0; i < 9; ++i) {
      Outcome& outcome = house.outcomes.emplace_back();
      house.dialled.dial(house.to_server_by_tls(outcome));
      house.serve(true);
    }
    house.turn(40);
    for (const Outcome& outcome : house.outcomes) CHECK(outcome.alpn == "h2");
    CHECK(house.counters().handshakes_put_off.value() > 0);
  }
}

TEST_SUITE("A dialled connection at its end") {
  TEST_CASE("who sends as fast as he is read hurries the loop, who sends a line does not") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const UniqueFd server = open_clear(house, outcome);
    house.pass(seconds(1));
    send(server, "data: a line\n\n");
    house.turn();
    REQUIRE(outcome.talk.heard == "data: a line\n\n");
    CHECK_FALSE(house.loop.is_hurried());
    send(server, std::string(64 << 10, 'x'));
    house.turn();
    CHECK(house.loop.is_hurried());
    house.pass(std::chrono::milliseconds(10));
    CHECK_FALSE(house.loop.is_hurried());
  }

  TEST_CASE("a peer that closes in order is an end of file") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    UniqueFd server = open_clear(house, outcome);
    send(server, "last words");
    server.reset();
    house.turn(2);
    CHECK(outcome.talk.heard == "last words");
    CHECK(outcome.talk.eof);
    CHECK(outcome.talk.is_gone);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("a peer that resets it destroys the protocol without a word") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    UniqueFd server = open_clear(house, outcome);
    const struct linger none = {.l_onoff = 1, .l_linger = 0};
    REQUIRE(::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none) == 0);
    server.reset();
    house.turn();
    CHECK(outcome.talk.is_gone);
    CHECK_FALSE(outcome.talk.eof);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("a finished protocol's last words arrive, and it is closed without waiting") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const UniqueFd server = open_clear(house, outcome);
    outcome.talk.finished = true;
    outcome.talk.say("bye");
    house.turn();
    CHECK(receive(server) == "bye<end>");
    CHECK(outcome.talk.is_gone);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("a peer that goes on sending to a finished one is reset") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const UniqueFd server = open_clear(house, outcome);
    outcome.talk.finished = true;
    outcome.talk.transport->flush_later();
    house.turn();
    send(server, "more");
    CHECK(receive(server) == "<end>");
    CHECK(::send(server.get(), "more", 4, MSG_NOSIGNAL) == -1);
  }

  TEST_CASE("over TLS the server reads close_notify") {
    House house;
    house.trust({.ca_file = house.certificate.certificate});
    Outcome& outcome = house.outcomes.emplace_back();
    open_tls(house, outcome);
    outcome.talk.finished = true;
    outcome.talk.transport->flush_later();
    house.turn(3);
    CHECK(house.heard.at(1).eof);
    CHECK(house.dialled.size() == 0);
  }

  TEST_CASE("what one of two brings for the other leaves without another event") {
    House house;
    Outcome& outcome = house.outcomes.emplace_back();
    const UniqueFd server = open_clear(house, outcome);
    // In the turn end, behind the flush of the one that has something to say.
    house.loop.set_turn_end([&] {
      house.dialled.flush();
      house.served.flush();
      if (outcome.talk.fills < 3) outcome.talk.say("x");
      return house.served.has_work() || house.dialled.has_work();
    });
    house.turn();
    CHECK(house.dialled.has_work());
    house.loop.turn(true);  // Would sleep for ever if nothing was to do.
    CHECK(receive(server).starts_with("x"));
  }
}

}  // namespace
}  // namespace sluice::net
