#include "tls/record_pool.h"

#include <array>
#include <cstdlib>
#include <malloc.h>

#include <openssl/crypto.h>

// A sanitizer that sees malloc is to see OpenSSL's errors; none of them is awake so early.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLUICE_POOLS_RECORDS 0
#elif defined(__has_feature)
#define SLUICE_POOLS_RECORDS (!__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer))
#else
#define SLUICE_POOLS_RECORDS 1
#endif

namespace sluice::tls {
namespace {

/// malloc rounds up by less than this.
constexpr std::size_t kRounding = 64;

struct Shelf {
  ~Shelf() {
    while (count > 0) std::free(blocks[--count]);
    // OpenSSL's own end of the thread may come after this one.
    is_closed = true;
  }
  std::array<void*, RecordPool::kKept> blocks{};
  std::size_t count = 0;
  bool is_closed = false;
};

thread_local Shelf shelf;

bool is_record(std::size_t size) {
  return size >= RecordPool::kLeast && size <= RecordPool::kBlock;
}

bool fits(std::size_t usable) {
  return usable >= RecordPool::kBlock && usable < RecordPool::kBlock + kRounding;
}

#if SLUICE_POOLS_RECORDS
// The names of files and lines are for those who look for leaks.
void* allocate_for_openssl(std::size_t size, const char*, int) {
  return RecordPool::allocate(size);
}
void* resize_for_openssl(void* block, std::size_t size, const char*, int) {
  return RecordPool::resize(block, size);
}
void release_for_openssl(void* block, const char*, int) {
  RecordPool::release(block);
}

bool is_installed = false;

void install(int, char**, char**) {
  is_installed = CRYPTO_set_mem_functions(&allocate_for_openssl, &resize_for_openssl,
                                          &release_for_openssl) == 1;
}

/// OpenSSL takes it until it has allocated something, and a shared library that sets it up in a
/// constructor (cpp-httplib's does) is before our main() and our constructors. What is in this
/// section runs before those.
[[gnu::section(".preinit_array"), gnu::used]] void (*first_of_all)(int, char**, char**) = &install;
#else
constexpr bool is_installed = false;
#endif

}  // namespace

void* RecordPool::allocate(std::size_t size) noexcept {
  if (size == 0) return nullptr;
  if (!is_record(size)) return std::malloc(size);
  if (shelf.count > 0) return shelf.blocks[--shelf.count];
  return std::malloc(kBlock);
}

void* RecordPool::resize(void* block, std::size_t size) noexcept {
  if (size == 0) {
    release(block);
    return nullptr;
  }
  // One that is to become a record's buffer is made as large as the others.
  return std::realloc(block, is_record(size) ? kBlock : size);
}

void RecordPool::release(void* block) noexcept {
  if (block == nullptr) return;
  if (shelf.count == kKept || shelf.is_closed || !fits(::malloc_usable_size(block))) {
    return std::free(block);
  }
  shelf.blocks[shelf.count++] = block;
}

std::size_t RecordPool::kept() noexcept {
  return shelf.count;
}

bool pools_records() {
  return is_installed;
}

}  // namespace sluice::tls
