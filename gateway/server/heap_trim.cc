#include "gateway/server/heap_trim.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include "gateway/base/log.h"

namespace sluice::server {

HeapTrim::HeapTrim(net::Loop& loop, Allocator allocator)
    : allocator_(std::move(allocator)),
      timer_(loop, [this] { look(); }),
      least_(allocator_.resident()) {}

std::size_t HeapTrim::worth(std::size_t resident) {
  return std::clamp(resident / 32, kLeastWorth, kMostWorth);
}

bool HeapTrim::is_worth_it() {
  const std::size_t resident = allocator_.resident();
  if (resident == 0) return false;
  least_ = least_ == 0 ? resident : std::min(least_, resident);
  const std::size_t wanted = worth(resident);
  const bool has_grown = resident - least_ >= wanted;
  if (!has_grown && !was_worth_it_ && ++looks_ < kLooksBetweenCounts) return false;
  looks_ = 0;
  const std::size_t free = allocator_.free();
  least_free_ = std::min(least_free_, free);
  return free >= (has_grown ? 0 : least_free_) + wanted;
}

void HeapTrim::look() {
  if (left_out_ > 0) {
    --left_out_;
    return;
  }
  // Who has just left may be about to come back, all at once, too.
  const bool was_worth_it = was_worth_it_;
  was_worth_it_ = is_worth_it();
  if (!was_worth_it || !was_worth_it_) return;
  was_worth_it_ = false;
  const std::size_t before = allocator_.resident();
  allocator_.trim();
  const std::size_t after = allocator_.resident();
  if (before == 0 || after == 0) return;
  least_ = after;
  least_free_ = allocator_.free();
  patience_ = before >= after + worth(before) ? 0 : std::min(2 * patience_ + 1, kMostLooksLeftOut);
  left_out_ = patience_;
  log::debug("gave memory back: {} KiB of {} are left", after / 1024, before / 1024);
}

HeapTrim::Allocator system_allocator() {
  return {.resident =
              [page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))] {
                // proc(5): pages in all, resident, resident of files.
                std::size_t all = 0;
                std::size_t resident = 0;
                std::size_t of_files = 0;
                std::ifstream("/proc/self/statm") >> all >> resident >> of_files;
                return (resident - of_files) * page;
              },
          .free = [] { return ::mallinfo2().fordblks; },
          .trim = [] { ::malloc_trim(0); }};
}

void trim_thread_heap() {
  // Less than what malloc maps for itself, more than the holes that a crowd leaves: so this mostly
  // lies at the end, and its pages are ours to give back. (Where it fits in a hole, that had more.)
  constexpr std::size_t kEnd = 120_KiB;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const block = std::malloc(kEnd);
  if (block == nullptr) return;
  void* begin = block;
  std::size_t room = kEnd;
  if (std::align(page, page, begin, room) != nullptr) {
    ::madvise(begin, room / page * page, MADV_DONTNEED);
  }
  std::free(block);
}

}  // namespace sluice::server
