#include "gateway/h2/memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/sanitized.h"
#include "gateway/h2/client_stream.h"
#include "gateway/h2/handles.h"
#include "gateway/h2/memory_self_test.h"
#include "gateway/h2/stream.h"

#ifdef SLUICE_POISONS
#include <sanitizer/asan_interface.h>
#endif

namespace sluice::h2 {
namespace {

/// NGHTTP2_FRAMEBUF_CHUNKLEN: a frame's header, the length of its padding, and its payload.
constexpr std::size_t kFrameBuffer = 9 + 1 + 16'384;
/// 128 pointers.
constexpr std::size_t kEncoderIndex = 1'024;
/// sizeof(nghttp2_stream), and of nghttp2_outbound_item.
constexpr std::size_t kNativeStream = 224;
constexpr std::size_t kItem = 152;
constexpr std::size_t kItemPagesKept = 64;

void forbid([[maybe_unused]] std::byte* begin) {
#ifdef SLUICE_POISONS
  ASAN_POISON_MEMORY_REGION(begin, kFrameBuffer);
#endif
}

void allow([[maybe_unused]] std::byte* begin) {
#ifdef SLUICE_POISONS
  ASAN_UNPOISON_MEMORY_REGION(begin, kFrameBuffer);
#endif
}

/// A page that belongs to nobody; null when the system has none.
void* untouchable() {
  static void* const page = [] {
    void* got = ::mmap(nullptr, kEncoderIndex, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return got == MAP_FAILED ? nullptr : got;
  }();
  return page;
}

bool may_share() {
  static const bool may = [] {
    const bool passed = nghttp2_keeps_to(kFrameBuffer, kEncoderIndex) && untouchable() != nullptr;
    if (!passed) {
      log::warning(
          "this nghttp2 ({}) uses memory in another way than the gateway knows: each HTTP/2 "
          "connection costs 17 KiB more",
          nghttp2_version(0)->version_str);
    }
    return passed;
  }();
  return may;
}

}  // namespace

SharedMemory::SharedMemory(Policy policy)
    : streams_(sizeof(Stream)),
      client_streams_(sizeof(ClientStream)),
      native_streams_(kNativeStream),
      items_(kItem, kItemPagesKept) {
  if (policy == Policy::own || !may_share()) return;
  frame_buffer_ = std::make_unique_for_overwrite<std::byte[]>(kFrameBuffer);
  forbid(frame_buffer_.get());
}

SharedMemory::~SharedMemory() {
  if (frame_buffer_ != nullptr) allow(frame_buffer_.get());
}

SharedMemory::Use::Use(SharedMemory& memory) : memory_(memory) {
  SLUICE_ASSERT(!memory.is_in_use_, "two sessions wanted the frame buffer at once");
  memory.is_in_use_ = true;
  if (memory.frame_buffer_ != nullptr) allow(memory.frame_buffer_.get());
}

SharedMemory::Use::~Use() {
  if (memory_.frame_buffer_ != nullptr) forbid(memory_.frame_buffer_.get());
  memory_.is_in_use_ = false;
}

/// Null: it is none of a slab's.
Slab* SharedMemory::slab_for(std::size_t size) {
  // A sanitizer is to see what happens to each.
  if (kIsSanitized) return nullptr;
  if (size == kItem) return &items_;
  return size == kNativeStream ? &native_streams_ : nullptr;
}

bool SharedMemory::is_of_slab(const void* block) const {
  return items_.has_made(block) || native_streams_.has_made(block);
}

void* SessionMemory::allocate(std::size_t size) {
  if (Slab* const slab = shared_.slab_for(size)) {
    try {
      return slab->take();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  // The first of each size, while the session is made; what is like them later is its own.
  if (shared_.is_shared()) {
    if (size == kFrameBuffer && !std::exchange(has_frame_buffer_, true)) {
      return shared_.frame_buffer_.get();
    }
    if (size == kEncoderIndex && !std::exchange(has_encoder_index_, true)) return untouchable();
  }
  return std::malloc(size);
}

bool SessionMemory::is_lent(const void* block) const {
  return block != nullptr &&
         (block == shared_.frame_buffer_.get() || (shared_.is_shared() && block == untouchable()));
}

void* SessionMemory::reallocate(void* block, std::size_t size) {
  if (block == nullptr) return allocate(size);
  SLUICE_ASSERT(!is_lent(block), "nghttp2 wanted to resize what is not its own");
  if (!shared_.is_of_slab(block)) return std::realloc(block, size);
  void* const other = allocate(size);
  if (other == nullptr) return nullptr;
  std::memcpy(other, block, std::min(size, Slab::size_of(block)));
  Slab::give(block);
  return other;
}

void SessionMemory::release(void* block) {
  if (is_lent(block)) return;
  shared_.is_of_slab(block) ? Slab::give(block) : std::free(block);
}

nghttp2_mem allocator_of(SessionMemory& memory) {
  static constexpr auto kOf = [](void* user) { return static_cast<SessionMemory*>(user); };
  return {
      &memory, [](std::size_t size, void* user) noexcept { return kOf(user)->allocate(size); },
      [](void* block, void* user) noexcept { kOf(user)->release(block); },
      [](std::size_t count, std::size_t size, void*) noexcept { return std::calloc(count, size); },
      [](void* block, std::size_t size, void* user) noexcept {
        return kOf(user)->reallocate(block, size);
      }};
}

}  // namespace sluice::h2
