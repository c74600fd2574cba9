/// HeapTrim: gives memory back to the system after many clients have come or left.
///
/// What ten thousand connections leave behind lies between what is still in use, and glibc
/// returns only what is at the end of its heap. malloc_trim() returns whole pages from
/// everywhere. Counting what is free, and more so trimming, holds up whoever allocates from the
/// same arena: milliseconds after a crowd has left. So usually only the process's resident memory
/// is looked at. What is free is counted when that has grown by what is worth a trim since the last
/// one, and given back when it is that much at two looks running; and now and then, since what
/// leaves behind a trim makes nothing grow, when it has become that much more. A trim that gains
/// less is not soon tried again. A large heap takes longer to walk, and in it the same is worth
/// less: worth a trim is a part in 32 of what is resident, within bounds.
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
  struct Allocator {
    /// The process's memory, without mapped files. 0: it cannot be told now.
    std::function<std::size_t()> resident;
    /// What malloc holds and nobody uses. Memory that was trimmed still counts.
    std::function<std::size_t()> free;
    std::function<void()> trim;
  };
  static constexpr std::size_t kLeastWorth = 128_KiB;
  static constexpr std::size_t kMostWorth = 8_MiB;
  static constexpr unsigned kMostLooksLeftOut = 128;
  static constexpr unsigned kLooksBetweenCounts = 8;  ///< Where nothing has grown.
  static constexpr Millis kInterval{2'000};

  HeapTrim(net::Loop& loop, Allocator allocator);
  void start() { timer_.start_periodic(kInterval); }
  void stop() { timer_.stop(); }
  /// What the timer calls.
  void look();

 private:
  [[nodiscard]] static std::size_t worth(std::size_t resident);
  bool is_worth_it();

  const Allocator allocator_;
  net::Timer timer_;
  unsigned patience_ = 0;  ///< How many looks the last trim that gained little is worth.
  unsigned left_out_ = 0;  ///< Of those.
  std::size_t least_;      ///< Resident memory at its lowest since the start or the last trim.
  /// Free at its least since the last trim: what that gave back counts as free, too.
  std::size_t least_free_ = 0;
  unsigned looks_ = 0;  ///< Since what is free was counted.
  bool was_worth_it_ = false;
};

/// glibc's: mallinfo2() and malloc_trim(), all arenas.
HeapTrim::Allocator system_allocator();

/// What malloc_trim() leaves: what is free at the end of the calling thread's heap. glibc shrinks
/// one that is not the main thread's only by what is above 128 KiB.
void trim_thread_heap();

}  // namespace sluice::server
