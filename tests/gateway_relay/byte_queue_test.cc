#include "gateway/relay/byte_queue.h"

#include <cstddef>
#include <random>
#include <span>
#include <string>

#include <doctest/doctest.h>

namespace sluice::relay {
namespace {

std::string take(ByteQueue& queue, std::size_t n) {
  std::string bytes(n, ' ');
  queue.take(std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

TEST_SUITE("byte queue") {
  TEST_CASE("an empty one is a pointer") {
    CHECK(sizeof(ByteQueue) == sizeof(void*));
    Slab pieces(ByteQueue::kPiece);
    ByteQueue queue;
    CHECK(queue.empty());
    CHECK(queue.size() == 0);
    queue.add("", pieces);
    CHECK(queue.empty());
    take(queue, 0);
  }

  TEST_CASE("what goes in comes out, in order, in whatever pieces") {
    Slab pieces(ByteQueue::kPiece);
    ByteQueue queue;
    queue.add("abc", pieces);
    queue.add("def", pieces);
    CHECK(queue.size() == 6);
    CHECK(take(queue, 2) == "ab");
    queue.add("g", pieces);
    CHECK(take(queue, 4) == "cdef");
    CHECK(queue.size() == 1);
    queue.clear();
    CHECK(queue.empty());
    queue.add("h", pieces);
    CHECK(take(queue, 1) == "h");
    CHECK(queue.empty());
  }

  TEST_CASE("any pieces, of any sizes, beside a string that does the same") {
    std::mt19937 random(7);
    const auto below = [&](std::size_t n) { return random() % n; };
    for (int round = 0; round < 20; ++round) {
      Slab pieces(ByteQueue::kPiece);
      ByteQueue queue;
      std::string model;
      for (int step = 0; step < 400; ++step) {
        if (below(2) == 0) {
          const std::string piece(below(step % 10 == 0 ? 40'000 : 300),
                                  static_cast<char>('a' + below(26)));
          queue.add(piece, pieces);
          model += piece;
        } else {
          const std::size_t n = below(model.size() + 1);
          REQUIRE(take(queue, n) == model.substr(0, n));
          model.erase(0, n);
        }
        REQUIRE(queue.size() == model.size());
        REQUIRE(queue.empty() == model.empty());
      }
    }
  }
}

}  // namespace
}  // namespace sluice::relay
