#include "gateway/net/event_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <utility>

#include <event2/event.h>

#include "gateway/base/units.h"

namespace sluice::net {
namespace {

constexpr std::size_t kPlace = 32;
/// Addresses, not memory: enough for two million descriptors.
constexpr std::size_t kRegion = 64_MiB;

class Region {
 public:
  Region() {
    void* pages = ::mmap(nullptr, kRegion, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) return;
    begin_ = next_ = static_cast<std::byte*>(pages);
    end_ = begin_ + kRegion;
  }

  /// nullptr: it is full.
  void* take() {
    const std::lock_guard lock(mutex_);
    if (free_ != nullptr) return std::exchange(free_, free_->next);
    if (next_ == end_) return nullptr;
    return std::exchange(next_, next_ + kPlace);
  }
  void give(void* place) {
    const std::lock_guard lock(mutex_);
    free_ = new (place) Free{free_};
  }
  [[nodiscard]] bool holds(const void* place) const {
    return std::less_equal<>()(begin_, place) && std::less<>()(place, end_);
  }

 private:
  struct Free {
    Free* next;
  };
  std::byte* begin_ = nullptr;
  std::byte* end_ = nullptr;
  std::mutex mutex_;
  std::byte* next_ = nullptr;
  Free* free_ = nullptr;
};

/// Never destroyed: loops may be at the end of the program.
Region& region() {
  static auto* const made = new Region();
  return *made;
}

void* allocate(std::size_t size) noexcept {
  void* place = size <= kPlace ? region().take() : nullptr;
  return place != nullptr ? place : std::malloc(size);
}

void release(void* block) noexcept {
  region().holds(block) ? region().give(block) : std::free(block);
}

void* resize(void* block, std::size_t size) noexcept {
  if (!region().holds(block)) return std::realloc(block, size);
  void* larger = std::malloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, std::min(size, kPlace));
  release(block);
  return larger;
}

}  // namespace

void use_event_memory() {
  static const bool is_done = [] {
    event_set_mem_functions(&allocate, &resize, &release);
    return true;
  }();
  (void)is_done;
}

}  // namespace sluice::net
