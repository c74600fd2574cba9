/// Tail: shows the followers what another process stores in the same history.
///
/// After an upgrade the old process still has readers, for as long as its drain takes, and the new
/// one orders the events. LMDB lets both have the file open: the old one looks every few
/// milliseconds whether it has grown. A look at a history that has not costs a microsecond.
///
/// Owner   the file journal. Thread  start(), stop(), catch_up(), follow(): main; last(),
/// evicted(): any. Its own thread calls the followers, or main in catch_up(), never both.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "gateway/journal/journal.h"
#include "gateway/journal/store.h"

namespace sluice::journal {

class Tail {
 public:
  explicit Tail(Store& store) : store_(store) {}
  ~Tail() { stop(); }
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  void follow(Follower& follower) { followers_.push_back(&follower); }
  /// Nobody here stores any more; the followers have had everything up to `after`.
  void start(sse::Position after);
  void stop();
  /// Shows what is left up to `last`, which is there, and stops.
  void catch_up(sse::Position last);

  [[nodiscard]] bool is_running() const { return thread_.joinable(); }
  /// Of the newest event that was shown; 0 before start().
  [[nodiscard]] sse::Position last() const {
    return sse::Position(last_.load(std::memory_order_acquire));
  }
  [[nodiscard]] sse::Position evicted() const {
    return sse::Position(evicted_.load(std::memory_order_acquire));
  }

 private:
  void run();
  /// Shows some of what is new. True: there is more.
  bool look();

  // Set in the constructor; followers_ before start.
  Store& store_;
  std::vector<Follower*> followers_;
  // Any thread.
  std::atomic<std::uint64_t> last_{0};
  std::atomic<std::uint64_t> evicted_{0};
  std::atomic<bool> has_complained_{false};
  // Any thread, under mutex_.
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::journal
