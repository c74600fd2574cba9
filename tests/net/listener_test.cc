#include "gateway/net/listener.h"

#include <algorithm>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/log.h"

namespace sluice::net {
namespace {

UniqueFd listening_socket() {
  const auto address = resolve("127.0.0.1:0");
  REQUIRE(address);
  auto socket = bind_and_listen(address->front(), {});
  REQUIRE(socket);
  return std::move(*socket);
}

UniqueFd caller(std::uint16_t port) {
  auto address = resolve("127.0.0.1:0");
  REQUIRE(address);
  address->front().set_port(port);
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), address->front().data(), address->front().size()) == 0);
  return fd;
}

/// A listener that keeps whom it accepts.
struct Hall {
  explicit Hall(Listener::Options options = {})
      : loop(clock),
        listener(loop, listening_socket(), options, [this](UniqueFd fd, std::string peer) {
          guests.push_back(std::move(fd));
          peers.push_back(std::move(peer));
        }) {}

  SteadyClock clock;
  Loop loop;
  std::vector<UniqueFd> guests;
  std::vector<std::string> peers;
  Listener listener;
};

/// No more descriptors than the process has now, as long as this lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const UniqueFd next(::dup(0));
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next.get()), .rlim_max = before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_SUITE("Listener") {
  TEST_CASE("port 0 becomes a real port, and who calls there is accepted") {
    Hall hall;
    CHECK(hall.listener.port() != 0);
    const UniqueFd guest = caller(hall.listener.port());
    hall.loop.turn(true);
    CHECK(hall.peers == std::vector<std::string>{"127.0.0.1"});
    CHECK(hall.listener.counters().accepted.value() == 1);
  }

  TEST_CASE("an accepted socket never waits, neither for its peer nor for more to send") {
    Hall hall;
    const UniqueFd guest = caller(hall.listener.port());
    hall.loop.turn(true);
    REQUIRE(hall.guests.size() == 1);
    const int fd = hall.guests.front().get();
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
    CHECK(no_delay == 1);
  }

  TEST_CASE("a crowd is let in a few per turn") {
    Hall hall({.accepts_per_turn = 2});
    std::vector<UniqueFd> crowd;
    for (int i = 0; i < 5; ++i) crowd.push_back(caller(hall.listener.port()));
    hall.loop.turn(true);
    CHECK(hall.guests.size() == 2);
    hall.loop.turn(true);
    hall.loop.turn(true);
    CHECK(hall.guests.size() == 5);
  }

  TEST_CASE("while it is paused callers wait; nobody is refused") {
    Hall hall;
    hall.listener.pause();
    const UniqueFd guest = caller(hall.listener.port());
    hall.loop.turn(false);
    CHECK(hall.guests.empty());
    hall.listener.resume();
    hall.loop.turn(true);
    CHECK(hall.guests.size() == 1);
  }

  TEST_CASE("out of descriptors it rests instead of spinning, and accepts when it can again") {
    log::set_level(log::Level::off);
    Hall hall;
    const UniqueFd guest = caller(hall.listener.port());
    {
      const NoDescriptors none;
      hall.loop.turn(true);
      for (int i = 0; i < 100; ++i) hall.loop.turn(false);
    }
    CHECK(hall.guests.empty());
    CHECK(hall.listener.counters().out_of_descriptors.value() == 1);
    while (hall.guests.empty()) hall.loop.turn(true);  // Its timer wakes it.
    CHECK(hall.guests.size() == 1);
    log::set_level(log::Level::info);
  }

  TEST_CASE("a port that is taken is an error that names the address") {
    const UniqueFd taken = listening_socket();
    auto address = local_address(taken.get());
    const auto again = bind_and_listen(address, {});
    REQUIRE_FALSE(again);
    CHECK(again.error().what ==
          "cannot listen on " + address.to_string() + ": Address already in use");
  }

  TEST_CASE("two sockets share a port when they are told to") {
    auto address = resolve("127.0.0.1:0");
    REQUIRE(address);
    const auto one = bind_and_listen(address->front(), {.reuse_port = true});
    REQUIRE(one);
    CHECK(bind_and_listen(local_address(one->get()), {.reuse_port = true}));
  }

  TEST_CASE("a name with several addresses is listened on at one port") {
    const auto sockets = listen_on("localhost:0", {});
    REQUIRE(sockets);
    REQUIRE_FALSE(sockets->empty());
    const std::uint16_t port = local_port(sockets->front().get());
    CHECK(std::all_of(sockets->begin(), sockets->end(),
                      [&](const UniqueFd& fd) { return local_port(fd.get()) == port; }));
  }
}

}  // namespace
}  // namespace sluice::net
