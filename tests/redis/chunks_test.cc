#include "gateway/redis/chunks.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace sluice::redis {
namespace {

using sse::Position;
using Texts = std::vector<std::string>;

sse::EventPtr event(Texts topics, std::uint64_t position) {
  return sse::make_event({.topics = std::move(topics), .data = "x"}, Position(position), "epoch");
}

/// Positions 257 to 262, but for 260.
Chunk chunk_with_a_hole() {
  Chunk chunk;
  chunk.add(Position(257), event({"a"}, 257));
  chunk.add(Position(258), event({"b", "c"}, 258));
  chunk.add(Position(259), nullptr);
  chunk.add(Position(261), event({"a", "b"}, 261));
  chunk.add(Position(262), event({"c"}, 262));
  chunk.through = Position(262);
  chunk.note_holes(Chunk::first_of(1));
  return chunk;
}

std::vector<std::uint64_t> places(const Chunk& chunk, const Texts& topics,
                                  std::uint64_t before = 256, std::uint64_t last = 512) {
  std::vector<std::uint64_t> numbers;
  for (const Position at : chunk.places_of(topics, Position(before), Position(last))) {
    numbers.push_back(at.value());
  }
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

TEST_SUITE("chunks of history") {
  TEST_CASE("events are found by their topics, each once and in order") {
    const Chunk chunk = chunk_with_a_hole();
    CHECK(places(chunk, {"a"}) == Numbers{257, 261});
    CHECK(places(chunk, {"c", "b", "c"}) == Numbers{258, 261, 262});
    CHECK(places(chunk, {"none"}).empty());
    CHECK(places(chunk, {"a", "b"}, 257, 260) == Numbers{258});
  }

  TEST_CASE("what is not there is a hole; what is there and is no event is none") {
    CHECK(chunk_with_a_hole().holes == std::vector{Position(260)});
  }

  TEST_CASE("the least used go when there is no room, but never the last") {
    const auto filled = [] {
      auto chunk = std::make_shared<Chunk>();
      chunk->bytes = 100'000;
      return chunk;
    };
    Chunks chunks(250'000);
    chunks.put(1, filled());
    chunks.put(2, filled());
    CHECK(chunks.find(1) != nullptr);
    chunks.put(3, filled());
    CHECK(chunks.find(2) == nullptr);
    CHECK(chunks.find(1) != nullptr);
    CHECK(chunks.bytes() <= 250'000);
    Chunks small(1);
    small.put(1, filled());
    CHECK(small.find(1) != nullptr);
  }
}

}  // namespace
}  // namespace sluice::redis
