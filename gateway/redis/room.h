/// Room: how many drafts and bytes wait for Redis, of all threads that append.
///
/// Owner   RedisJournal. Thread  any.
#pragma once

#include <cstddef>
#include <mutex>

namespace sluice::redis {

class Room {
 public:
  Room(std::size_t events, std::size_t bytes) : max_events_(events), max_bytes_(bytes) {}

  bool take(std::size_t events, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (events_ + events > max_events_ || bytes_ + bytes > max_bytes_) return false;
    events_ += events;
    bytes_ += bytes;
    return true;
  }
  void give(std::size_t events, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    events_ -= events;
    bytes_ -= bytes;
  }

 private:
  const std::size_t max_events_;
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::size_t events_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::redis
