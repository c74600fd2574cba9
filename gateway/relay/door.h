/// Door and Bell: how what is shared between workers wakes what lives on one of them.
///
/// A Door leads to a worker and can be shut: from then on nothing is posted. A Bell stands at a
/// door for one Bellman, who is called once for any number of rings before, on his own thread.
/// Thread  ring(), post(), shut(): any. All else: the worker's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace sluice::relay {

class Door {
 public:
  using Task = std::function<void()>;

  explicit Door(std::function<void(Task)> post) : post_(std::move(post)) {}

  void post(Task task) {
    const std::lock_guard lock(mutex_);
    if (post_) post_(std::move(task));
  }
  /// The worker goes: tasks are dropped from now on.
  void shut() {
    const std::lock_guard lock(mutex_);
    post_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::function<void(Task)> post_;
};

class Bellman {
 public:
  /// Somebody has rung since the last call.
  virtual void on_ring() = 0;

 protected:
  ~Bellman() = default;
};

class Bell : public std::enable_shared_from_this<Bell> {
 public:
  explicit Bell(std::shared_ptr<Door> door) : door_(std::move(door)) {}

  void ring() {
    if (is_rung_.exchange(true, std::memory_order_acq_rel)) return;
    door_->post([self = shared_from_this()] {
      self->is_rung_.exchange(false, std::memory_order_acq_rel);
      if (self->bellman_ != nullptr) self->bellman_->on_ring();
    });
  }
  /// Who is called; null: nobody is there yet, or any more.
  void belong_to(Bellman* bellman) { bellman_ = bellman; }

 private:
  const std::shared_ptr<Door> door_;
  std::atomic<bool> is_rung_{false};
  Bellman* bellman_ = nullptr;  ///< Worker thread only.
};

}  // namespace sluice::relay
