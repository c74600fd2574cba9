#include "gateway/server/heap_trim.h"

#include <algorithm>
#include <fstream>
#include <malloc.h>
#include <unistd.h>
#include <utility>

#include "gateway/base/log.h"

namespace sluice::server {

HeapTrim::HeapTrim(net::Loop& loop, Allocator allocator)
    : allocator_(std::move(allocator)),
      timer_(loop, [this] { look(); }),
      least_(allocator_.resident()) {}

bool HeapTrim::is_worth_it() {
  const std::size_t resident = allocator_.resident();
  least_ = std::min(least_, resident);
  if (resident - least_ < kWorth) return false;
  const Heap heap = allocator_.measure();
  return heap.free > heap.held / 2 && heap.free > kWorth;
}

void HeapTrim::look() {
  // Who has just left may be about to come back, all at once, too.
  const bool was_worth_it = std::exchange(was_worth_it_, is_worth_it());
  if (!was_worth_it || !was_worth_it_) return;
  allocator_.trim();
  least_ = allocator_.resident();
  was_worth_it_ = false;
  log::debug("gave memory back: {} KiB are left", least_ / 1024);
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
          .measure =
              [] {
                const struct mallinfo2 info = ::mallinfo2();
                return HeapTrim::Heap{.held = info.arena, .free = info.fordblks};
              },
          .trim = [] { ::malloc_trim(0); }};
}

}  // namespace sluice::server
