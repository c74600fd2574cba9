/// Mailbox<T>: the door between threads. Any thread posts, the loop's thread delivers.
///
/// Letters arrive in the order in which they were posted, in as few deliveries as possible: a
/// thread that posts to a mailbox that is not empty does not wake anybody. What the loop's own
/// thread posts costs no system call and is delivered at drain(), or in the next turn.
///
/// Owner      made and destroyed while the loop rests or on its thread; it outlives its posters.
/// Thread     post() and size(): any. drain() and the delivery: the loop's.
/// Invariant  each letter is delivered exactly once, unless the mailbox is destroyed before.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "gateway/base/c_handle.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/net/loop.h"

namespace sluice::net {

/// What a Mailbox is without its letters: the way to wake the loop.
class Inbox : public ListHook<SelfPostedTag> {
 public:
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  /// Delivers what is there now. Inside a delivery it does nothing.
  virtual void drain() = 0;

 protected:
  explicit Inbox(Loop& loop);
  ~Inbox() = default;
  /// Called after a letter was put into an empty box.
  void announce();

 private:
  void on_wake(short what);

  Loop& loop_;
  const UniqueFd wake_;
  EventPtr event_;
};

template <class T>
class Mailbox final : public Inbox {
 public:
  /// `deliver` may take the letters out; those it leaves are destroyed.
  Mailbox(Loop& loop, std::function<void(std::vector<T>&)> deliver)
      : Inbox(loop), deliver_(std::move(deliver)) {}

  void post(T letter) {
    put([&] { letters_.push_back(std::move(letter)); });
  }
  /// Several, one behind the other: a copy of each.
  template <class Letters>
  void post_all(const Letters& letters) {
    put([&] { letters_.insert(letters_.end(), letters.begin(), letters.end()); });
  }

  /// Letters waiting; out of date as soon as it is known.
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  void drain() override {
    if (is_delivering_) return;
    unlink();
    {
      const std::lock_guard lock(mutex_);
      if (letters_.empty()) return;
      delivery_.swap(letters_);
      size_.store(0, std::memory_order_relaxed);
    }
    is_delivering_ = true;
    deliver_(delivery_);
    delivery_.clear();
    is_delivering_ = false;
  }

 private:
  template <class Add>
  void put(Add add) {
    bool was_empty = false;
    {
      const std::lock_guard lock(mutex_);
      was_empty = letters_.empty();
      add();
      size_.store(letters_.size(), std::memory_order_relaxed);
      was_empty = was_empty && !letters_.empty();
    }
    if (was_empty) announce();
  }

  // Set in the constructor.
  const std::function<void(std::vector<T>&)> deliver_;
  // Loop's thread only.
  std::vector<T> delivery_;
  bool is_delivering_ = false;
  // Any thread.
  std::mutex mutex_;
  std::vector<T> letters_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace sluice::net
