#include "gateway/server/upstream_board.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using State = UpstreamBoard::State;

const TimePoint kStart{1h};

/// An address that failed and answered at these moments after kStart; 0s: it never did.
UpstreamBoard::Address seen(Millis failed, Millis answered, std::string error = "refused") {
  UpstreamBoard::Address address;
  address.name = "a";
  address.connections = 1;
  address.calls = 2;
  if (failed > 0s) {
    address.health.failures = 1;
    address.health.failed_at = kStart + failed;
    address.health.error = std::move(error);
    address.rests_until = kStart + failed + 500ms;
  }
  if (answered > 0s) address.health.answered_at = kStart + answered;
  return address;
}

/// What is told when `worker` puts down `addresses`, `at` after kStart.
std::vector<UpstreamBoard::Change> put(UpstreamBoard& board, std::size_t worker,
                                       UpstreamBoard::Addresses addresses, Millis at = 1h) {
  std::vector<UpstreamBoard::Change> told;
  board.put(worker, 0, std::move(addresses), kStart + at,
            [&](const auto& change) { told.push_back(change); });
  return told;
}

TEST_SUITE("UpstreamBoard") {
  TEST_CASE("workers' views of an address are one") {
    UpstreamBoard board;
    board.put(0, 1, {seen(0s, 1s)}, kStart, [](const auto&) {});
    board.put(1, 1, {seen(0s, 2s)}, kStart, [](const auto&) {});
    const auto all = board.of(1);
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "a");
    CHECK(all[0].connections == 2);
    CHECK(all[0].calls == 4);
    CHECK(board.of(0).empty());
    CHECK(board.of(7).empty());
  }

  TEST_CASE("an address that failed rests, and is not well when it has rested") {
    UpstreamBoard board;
    put(board, 0, {seen(2s, 1s)});
    const auto state = [&](Millis at) {
      return UpstreamBoard::state_of(board.of(0).at(0), kStart + at);
    };
    CHECK(state(2s) == State::resting);
    CHECK(state(2499ms) == State::resting);
    CHECK(state(2500ms) == State::failing);
    CHECK(state(1h) == State::failing);
    put(board, 0, {seen(2s, 3s)});
    CHECK(state(3s) == State::well);
    CHECK(board.of(0).at(0).health.error == "refused");
  }

  TEST_CASE("what any worker has seen last is so") {
    UpstreamBoard board;
    put(board, 0, {seen(5s, 0s, "old")});
    put(board, 1, {seen(0s, 6s)});
    CHECK(UpstreamBoard::state_of(board.of(0).at(0), kStart + 6s) == State::well);
    put(board, 2, {seen(7s, 0s, "new")});
    put(board, 0, {seen(5s, 0s, "old")});
    const auto address = board.of(0).at(0);
    CHECK(UpstreamBoard::state_of(address, kStart + 8s) == State::failing);
    CHECK(address.health.error == "new");
  }

  TEST_CASE("that an address went down, or is well again, is told once for all workers") {
    UpstreamBoard board;
    CHECK(put(board, 0, {seen(0s, 1s)}).empty());
    const auto down = put(board, 0, {seen(2s, 1s)});
    REQUIRE(down.size() == 1);
    CHECK_FALSE(down[0].is_well);
    CHECK(down[0].address.health.error == "refused");
    CHECK(put(board, 1, {seen(3s, 0s)}).empty());
    CHECK(put(board, 0, {seen(4s, 1s)}).empty());
    const auto well = put(board, 1, {seen(3s, 5s)});
    REQUIRE(well.size() == 1);
    CHECK(well[0].is_well);
    CHECK(put(board, 0, {seen(4s, 1s)}).empty());
    CHECK(put(board, 0, {seen(6s, 1s)}).size() == 1);
  }

  TEST_CASE("an address that fails and answers by turns is told of once for each rest") {
    UpstreamBoard board;
    CHECK(put(board, 0, {seen(1000ms, 0s)}, 1000ms).size() == 1);
    CHECK(put(board, 0, {seen(1000ms, 1100ms)}, 1100ms).empty());
    CHECK(put(board, 0, {seen(1200ms, 1100ms)}, 1200ms).empty());
    CHECK(put(board, 0, {seen(1200ms, 1300ms)}, 1300ms).empty());
    const auto well = put(board, 0, {seen(1200ms, 1300ms)}, 1700ms);
    REQUIRE(well.size() == 1);
    CHECK(well[0].is_well);
  }

  TEST_CASE("an address that its name means no more is not told of") {
    UpstreamBoard board;
    CHECK(put(board, 0, {seen(1s, 0s)}).size() == 1);
    CHECK(put(board, 0, {}).empty());
    CHECK(put(board, 0, {seen(0s, 0s)}).empty());
  }

  TEST_CASE("an address that nobody has asked yet is well") {
    UpstreamBoard board;
    put(board, 0, {seen(0s, 0s)});
    CHECK(UpstreamBoard::state_of(board.of(0).at(0), kStart) == State::well);
  }
}

}  // namespace
}  // namespace sluice::server
