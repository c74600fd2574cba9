#include "gateway/net/poller.h"

#include <array>
#include <cstddef>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::net {
namespace {

/// One end of a pair of sockets, and what the poller has told of it.
class End final : public Pollable {
 public:
  explicit End(Poller& poller) : poller_(poller) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    near_ = UniqueFd(ends[0]);
    far = UniqueFd(ends[1]);
  }

  void want(Poller::Events wanted) {
    REQUIRE(poller_.want(near_.get(), *this, now_, wanted));
    now_ = wanted;
  }
  void on_readable() override { ++readable; }
  void on_writable() override { ++writable; }
  void on_deadline(TimePoint) override {}

  UniqueFd far;
  int readable = 0;
  int writable = 0;

 private:
  Poller& poller_;
  UniqueFd near_;
  Poller::Events now_ = 0;
};

TEST_SUITE("poller") {
  TEST_CASE("a socket is told what it wants to hear, as often as it is true") {
    Poller poller;
    End end(poller);
    end.want(EPOLLIN);
    poller.dispatch();
    CHECK(end.readable == 0);
    REQUIRE(::send(end.far.get(), "x", 1, 0) == 1);
    poller.dispatch();
    poller.dispatch();
    CHECK(end.readable == 2);
    CHECK(end.writable == 0);
    end.want(EPOLLIN | EPOLLOUT);
    poller.dispatch();
    CHECK(end.readable == 3);
    CHECK(end.writable == 1);
    end.want(EPOLLOUT);
    poller.dispatch();
    CHECK(end.readable == 3);
    CHECK(end.writable == 2);
  }

  TEST_CASE("a socket that wants nothing hears nothing, not even that its peer has gone") {
    Poller poller;
    End end(poller);
    end.want(EPOLLIN);
    end.want(0);
    end.far.reset();
    poller.dispatch();
    CHECK(end.readable + end.writable == 0);
    end.want(EPOLLIN);
    poller.dispatch();
    CHECK(end.readable == 1);
  }

  TEST_CASE("the end of a peer is told to who writes only, too: he finds out by trying") {
    Poller poller;
    End end(poller);
    end.want(EPOLLOUT);
    end.far.reset();
    poller.dispatch();
    CHECK(end.writable == 1);
  }

  TEST_CASE("what the system does not take is said") {
    Poller poller;
    End end(poller);
    CHECK_FALSE(poller.want(-1, end, 0, EPOLLIN));
  }

  TEST_CASE("of more sockets than go into one turn none is forgotten") {
    Poller poller;
    std::vector<std::unique_ptr<End>> ends;
    for (int i = 0; i < 600; ++i) {
      ends.push_back(std::make_unique<End>(poller));
      ends.back()->want(EPOLLOUT);
    }
    for (int turn = 0; turn < 3; ++turn) poller.dispatch();
    for (const auto& end : ends) CHECK(end->writable >= 1);
  }
}

}  // namespace
}  // namespace sluice::net
