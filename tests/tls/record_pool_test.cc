#include "tls/record_pool.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <doctest/doctest.h>
#include <openssl/crypto.h>

namespace sluice::tls {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kHasSanitizer = true;
#elif defined(__has_feature)
constexpr bool kHasSanitizer = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kHasSanitizer = false;
#endif

constexpr std::size_t kRecord = 16'568;  // What OpenSSL 3.0 asks for to write one.

/// `f` on a thread of its own, whose pool is empty.
template <class F>
void elsewhere(F f) {
  std::thread(f).join();
}

TEST_SUITE("RecordPool") {
  TEST_CASE("the next record is given the block of the last one") {
    elsewhere([] {
      void* first = RecordPool::allocate(kRecord);
      RecordPool::release(first);
      CHECK(RecordPool::kept() == 1);
      void* second = RecordPool::allocate(kRecord + 100);
      CHECK(second == first);
      CHECK(RecordPool::kept() == 0);
      std::memset(second, 1, RecordPool::kBlock);
      RecordPool::release(second);
    });
  }

  TEST_CASE("a thread keeps a few blocks, however many it gives back") {
    elsewhere([] {
      std::array<void*, 10> blocks{};
      for (void*& block : blocks) block = RecordPool::allocate(kRecord);
      for (void* block : blocks) RecordPool::release(block);
      CHECK(RecordPool::kept() == RecordPool::kKept);
    });
  }

  TEST_CASE("smaller and larger blocks are not kept") {
    elsewhere([] {
      for (const std::size_t size : {std::size_t{1}, std::size_t{8'000}, RecordPool::kLeast - 1,
                                     std::size_t{20'000}, std::size_t{1'000'000}}) {
        void* block = RecordPool::allocate(size);
        std::memset(block, 1, size);
        RecordPool::release(block);
        CHECK(RecordPool::kept() == 0);
      }
    });
  }

  TEST_CASE("a block that is given back on another thread serves that one") {
    void* block = RecordPool::allocate(kRecord);
    std::memset(block, 1, kRecord);
    elsewhere([block] {
      RecordPool::release(block);
      CHECK(RecordPool::allocate(kRecord) == block);
      RecordPool::release(block);
    });
    CHECK(RecordPool::kept() == 0);
  }

  TEST_CASE("a block that grows or shrinks keeps its bytes, and counts by what it is now") {
    elsewhere([] {
      auto* block = static_cast<char*>(RecordPool::resize(nullptr, 100));
      std::memset(block, 'x', 100);
      block = static_cast<char*>(RecordPool::resize(block, kRecord));
      CHECK(std::strncmp(block, "xxxx", 4) == 0);
      block[kRecord - 1] = 'y';
      block = static_cast<char*>(RecordPool::resize(block, 100'000));
      CHECK(block[kRecord - 1] == 'y');
      RecordPool::release(block);
      CHECK(RecordPool::kept() == 0);
      RecordPool::release(RecordPool::resize(RecordPool::allocate(100), kRecord));
      CHECK(RecordPool::kept() == 1);
    });
  }

  TEST_CASE("nothing is what nothing is allocated from, and nothing is given back") {
    CHECK(RecordPool::allocate(0) == nullptr);
    RecordPool::release(nullptr);
    void* block = RecordPool::allocate(kRecord);
    CHECK(RecordPool::resize(block, 0) == nullptr);
  }

  TEST_CASE("OpenSSL uses it, but in a program with a sanitizer") {
    CHECK(pools_records() != kHasSanitizer);
    elsewhere([] {
      OPENSSL_free(OPENSSL_malloc(kRecord));
      CHECK(RecordPool::kept() == (pools_records() ? 1 : 0));
    });
  }
}

}  // namespace
}  // namespace sluice::tls
