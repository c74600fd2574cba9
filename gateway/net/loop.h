/// Loop: one thread's event loop, and the order of things within one turn of it.
///
///   sleep until something happens → callbacks of sockets, timers, mailboxes → deadlines of the
///   wheel → turn end (set by the worker: deliver, flush) → next turn
///
/// Owner   the worker. It outlives everything that is registered with it.
/// Thread  made anywhere; run(), turn() and all else on one thread, the loop's own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/net/poller.h"

struct event;
struct event_base;

namespace sluice::net {

class Inbox;
struct SelfPostedTag;

struct EventFree {
  void operator()(event* e) const noexcept;  ///< Removes it from its loop, then frees it.
};
using EventPtr = std::unique_ptr<event, EventFree>;

struct EventBaseFree {
  void operator()(event_base* base) const noexcept;
};
using EventBasePtr = std::unique_ptr<event_base, EventBaseFree>;

class Loop {
 public:
  explicit Loop(const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs turns until stop() is called.
  void run();
  /// The current turn is the last one. From the loop's own thread.
  void stop() { stopping_ = true; }
  /// The next turn takes what has come when this time has passed; nothing is done until then.
  void pause(Duration time) { pause_ = time; }
  /// A client has asked for something, or somebody moves bytes as fast as they go: a socket was
  /// full, or brought a whole buffer. For a moment nobody is to let the loop pause who needs not.
  void hurry() { hurried_until_ = now_ + kHurry; }
  [[nodiscard]] bool is_hurried() const { return now_ < hurried_until_; }
  /// One turn. Without `may_sleep` it only takes what is there already; for tests.
  void turn(bool may_sleep);

  /// The time of the wake-up until the callbacks have run, the time after them from then on.
  [[nodiscard]] TimePoint now() const {
    if (!is_fresh_) refresh();
    return now_;
  }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] TimerWheel& wheel() { return wheel_; }
  /// Called once after every turn. True: work is left, the next turn does not sleep.
  void set_turn_end(std::function<bool()> turn_end) { turn_end_ = std::move(turn_end); }

  /// True on the thread that is inside run() or turn(). Any thread.
  [[nodiscard]] bool in_thread() const {
    return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  /// Asserts that the loop rests or that this is its thread.
  void assert_here() const;
  /// How long turns take, from wake-up to turn end: what an event may have to wait.
  [[nodiscard]] const Histogram& delay() const { return delay_; }
  /// The sum of that.
  [[nodiscard]] Duration busy() const { return busy_; }

  /// For this layer's own files.
  [[nodiscard]] event_base* base() const { return base_.get(); }
  [[nodiscard]] Poller& poller() { return poller_; }
  [[nodiscard]] IntrusiveList<Inbox, SelfPostedTag>& self_posted() { return self_posted_; }

 private:
  static constexpr Duration kHurry = std::chrono::milliseconds(10);

  void one_turn(bool may_sleep);
  void refresh() const;
  void keep_ticking();
  void deliver_self_posted();

  const Clock& clock_;
  const EventBasePtr base_;
  TimerWheel wheel_;
  Poller poller_;
  EventPtr polled_;
  EventPtr tick_;  ///< 50 ms, added only while the wheel is not empty.
  std::function<bool()> turn_end_;
  IntrusiveList<Inbox, SelfPostedTag> self_posted_;
  Histogram delay_;
  mutable TimePoint now_;
  mutable TimePoint woken_at_;
  mutable bool is_fresh_ = false;
  Duration pause_{};
  TimePoint hurried_until_{};
  Duration busy_{};
  bool work_left_ = true;  ///< The first turn takes what was prepared before it.
  bool stopping_ = false;
  std::atomic<std::thread::id> thread_{};
};

/// The version of the library at run time, as in "2.1.12-stable".
std::string libevent_version();

}  // namespace sluice::net
