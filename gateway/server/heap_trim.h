/// HeapTrim: gives memory back to the system after many clients have left.
///
/// What ten thousand connections leave behind lies between what is still in use, and glibc returns
/// only what is at the end of its heap. malloc_trim() returns whole pages from everywhere. It and
/// the count of what is free hold up whoever allocates from the same arena, for milliseconds behind
/// a crowd. So one look is at the process's memory only; what is free is counted when that has
/// grown by kWorth since the last trim, and given back when it is most of the heap at two looks
/// running.
///
/// Owner   server::Gateway. Thread  control; malloc locks what it walks.
#pragma once

#include <cstddef>
#include <functional>

#include "gateway/base/units.h"
#include "gateway/net/timer.h"

namespace sluice::server {

class HeapTrim {
 public:
  struct Heap {
    std::size_t held = 0;  ///< By malloc, used or free; mapped blocks, which go by themselves, not.
    std::size_t free = 0;  ///< Trimmed memory still counts as free.
  };
  struct Allocator {
    std::function<std::size_t()> resident;  ///< The process's memory, without mapped files.
    std::function<Heap()> measure;
    std::function<void()> trim;
  };
  static constexpr std::size_t kWorth = 8_MiB;
  static constexpr Millis kInterval{2'000};

  HeapTrim(net::Loop& loop, Allocator allocator);
  void start() { timer_.start_periodic(kInterval); }
  void stop() { timer_.stop(); }
  /// What the timer calls.
  void look();

 private:
  bool is_worth_it();

  const Allocator allocator_;
  net::Timer timer_;
  std::size_t least_;  ///< Resident memory at its lowest since the start or the last trim.
  bool was_worth_it_ = false;
};

/// glibc's: mallinfo2() and malloc_trim(), all arenas.
HeapTrim::Allocator system_allocator();

}  // namespace sluice::server
