#include "gateway/base/slab.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/sanitized.h"

namespace sluice {
namespace {

struct Object : InSlab {
  explicit Object(int value) : number(value) {
    if (value < 0) throw std::invalid_argument("negative");
  }
  virtual ~Object() = default;
  int number;
};
struct Larger final : Object {
  using Object::Object;
  char more[64] = {};
};

/// Blocks of a slab; those that are left go back with it.
struct Blocks {
  explicit Blocks(Slab& from) : slab(from) {}
  ~Blocks() { give(taken.size()); }
  void take(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) taken.push_back(slab.take());
  }
  void give(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Slab::give(taken.back());
      taken.pop_back();
    }
  }
  Slab& slab;
  std::vector<void*> taken;
};

TEST_SUITE("Slab") {
  TEST_CASE("Blocks are apart, aligned for pointers, and can be written from end to end") {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{56}, std::size_t{233}, Slab::kMost}) {
      Slab slab(size);
      CHECK(slab.block_size() >= size);
      CHECK(slab.block_size() < size + alignof(void*));
      Blocks blocks(slab);
      blocks.take(1'000);
      for (std::size_t i = 0; i < blocks.taken.size(); ++i) {
        REQUIRE(reinterpret_cast<std::uintptr_t>(blocks.taken[i]) % alignof(void*) == 0);
        std::memset(blocks.taken[i], static_cast<int>(i % 251), slab.block_size());
      }
      for (std::size_t i = 0; i < blocks.taken.size(); ++i) {
        const auto* bytes = static_cast<const unsigned char*>(blocks.taken[i]);
        REQUIRE(std::all_of(bytes, bytes + slab.block_size(),
                            [i](unsigned char c) { return c == i % 251; }));
      }
    }
  }

  TEST_CASE("What was given back is what is taken next") {
    Slab slab(64);
    void* const first = slab.take();
    Slab::give(first);
    void* const second = slab.take();
    if (!kIsSanitized) CHECK(second == first);
    CHECK(slab.blocks_used() == 1);
    Slab::give(second);
    CHECK(slab.blocks_used() == 0);
  }

  TEST_CASE("Objects end in their slab, by whatever pointer they are deleted") {
    Slab slab(sizeof(Larger));
    std::unique_ptr<Object> object = make_in<Larger>(slab, 7);
    CHECK(object->number == 7);
    CHECK(slab.blocks_used() == 1);
    object.reset();
    CHECK(slab.blocks_used() == 0);
  }

  TEST_CASE("A constructor that throws leaves nothing") {
    Slab slab(sizeof(Object));
    CHECK_THROWS_AS((void)make_in<Object>(slab, -1), std::invalid_argument);
    CHECK(slab.blocks_used() == 0);
  }
}

// The address sanitizer has all blocks be malloc's own; the builds without it, and the thread
// sanitizer's, run these.
TEST_SUITE("Slab: pages" * doctest::skip(kIsSanitized)) {
  // 4096 bytes, less a head of 40.
  constexpr std::size_t kInPage = 4'056 / 64;
  constexpr std::size_t kPagesOfChunk = 255;

  TEST_CASE("It costs nothing before its first block") {
    CHECK(Slab(64).pages() == 0);
  }

  TEST_CASE("Pages are filled one after the other") {
    Slab slab(64);
    Blocks blocks(slab);
    blocks.take(kInPage);
    CHECK(slab.pages() == 1);
    blocks.take(1);
    CHECK(slab.pages() == 2);
  }

  TEST_CASE("A page without blocks goes, and so many are kept as was said") {
    for (const std::size_t kept : {std::size_t{0}, std::size_t{1}, std::size_t{5}}) {
      Slab slab(64, kept);
      Blocks blocks(slab);
      blocks.take(10 * kInPage);
      blocks.give(10 * kInPage);
      CHECK(slab.pages() == kept);
      blocks.take(2 * kInPage);
      CHECK(slab.pages() == std::max(kept, std::size_t{2}));
    }
  }

  TEST_CASE("What is kept goes when nobody has needed it from one look to the next") {
    Slab slab(64, 10);
    Blocks blocks(slab);
    blocks.take(8 * kInPage);
    slab.tidy();
    blocks.give(8 * kInPage);
    slab.tidy();
    CHECK(slab.pages() == 8);  // They were used.
    blocks.take(3 * kInPage);
    blocks.give(3 * kInPage);
    slab.tidy();
    CHECK(slab.pages() == 3);
    slab.tidy();
    CHECK(slab.pages() == 0);
    blocks.take(1);
    CHECK(slab.pages() == 1);
  }

  TEST_CASE("Chunks follow each other, and can all go") {
    Slab slab(64, 0);
    for (int i = 0; i < 2; ++i) {
      Blocks blocks(slab);
      blocks.take(3 * kPagesOfChunk * kInPage);
      CHECK(slab.pages() == 3 * kPagesOfChunk);
      blocks.give(blocks.taken.size());
      CHECK(slab.pages() == 0);
    }
  }

  TEST_CASE("A slab knows its own blocks, and nobody else's") {
    Slab slab(64, 0), other(64);
    Blocks blocks(slab), others(other);
    CHECK_FALSE(slab.has_made(nullptr));
    blocks.take(3 * kPagesOfChunk * kInPage);
    others.take(100);
    const auto is_own = [&](const void* block) { return slab.has_made(block); };
    CHECK(std::all_of(blocks.taken.begin(), blocks.taken.end(), is_own));
    CHECK(std::none_of(others.taken.begin(), others.taken.end(), is_own));
    for (std::size_t size = 1; size < 300; ++size) {
      const std::unique_ptr<void, decltype(&std::free)> block(std::malloc(size), &std::free);
      REQUIRE_FALSE(slab.has_made(block.get()));
    }
    // Some allocators align small blocks for pointers, too.
    alignas(16) const std::array<char, 32> array{};
    CHECK(std::none_of(array.begin(), array.end(), [&](const char& c) { return is_own(&c); }));
    blocks.give(2 * kPagesOfChunk * kInPage);
    CHECK(std::all_of(blocks.taken.begin(), blocks.taken.end(), is_own));
  }

  TEST_CASE("However blocks come and go, no two are the same and none is lost") {
    std::mt19937 random(20'261'130);
    Slab slab(104, 2);
    std::vector<std::uint32_t*> taken;
    for (std::uint32_t round = 0; round < 200'000; ++round) {
      // Up and down between nothing and some chunks.
      const bool grows = (round / 50'000) % 2 == 0;
      if (taken.empty() || random() % 10 < (grows ? 8U : 2U)) {
        taken.push_back(static_cast<std::uint32_t*>(slab.take()));
        *taken.back() = round;
        taken.back()[25] = round;
        continue;
      }
      std::swap(taken[random() % taken.size()], taken.back());
      REQUIRE(taken.back()[0] == taken.back()[25]);
      Slab::give(taken.back());
      taken.pop_back();
    }
    CHECK(slab.blocks_used() == taken.size());
    for (std::uint32_t* const each : taken) {
      REQUIRE(each[0] == each[25]);
      Slab::give(each);
    }
    CHECK(slab.blocks_used() == 0);
    CHECK(slab.pages() == 2);
  }
}

}  // namespace
}  // namespace sluice
