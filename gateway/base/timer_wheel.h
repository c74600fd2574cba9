/// TimerWheel: many coarse deadlines at O(1) each.
///
/// Deadlines are kept in slots of 50 ms; one that lies further away than the wheel reaches is
/// looked at once a round. Arming, moving and cancelling cost a few pointer writes. Code that
/// pushes a deadline back on every event should not re-arm each time: let it come, and arm the
/// rest.
///
/// Owner   net::Loop has one. Thread  its worker only.
/// Invariant  on_deadline() never runs before its time, and at most two slots after it.
#pragma once

#include <array>
#include <cstddef>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"

namespace sluice {

struct DeadlineTag;

/// One deadline; its owner derives from it. Destroying it cancels it.
class Deadline : public ListHook<DeadlineTag> {
 public:
  virtual void on_deadline(TimePoint now) = 0;
  void cancel() { unlink(); }
  [[nodiscard]] bool is_armed() const { return is_linked(); }
  /// What it was armed to last.
  [[nodiscard]] TimePoint due() const { return due_; }

 protected:
  virtual ~Deadline() = default;

 private:
  friend class TimerWheel;
  TimePoint due_{};
};

class TimerWheel {
 public:
  static constexpr Duration kSlot = std::chrono::milliseconds(50);

  explicit TimerWheel(TimePoint now) : base_(now) {}

  /// Arms or moves `deadline`.
  void arm(Deadline& deadline, TimePoint due);
  /// Runs everything that is due. A deadline may arm itself or any other, or destroy itself.
  void advance(TimePoint now);
  /// Nothing is armed. After a cancellation this takes up to one round to become true.
  [[nodiscard]] bool empty() const { return armed_ == 0; }

 private:
  static constexpr std::size_t kSlots = 512;
  using Slot = IntrusiveList<Deadline, DeadlineTag>;

  void place(Deadline& deadline);

  std::array<Slot, kSlots> slots_;
  std::array<std::size_t, kSlots> placed_{};  ///< Placed in each slot since it last came.
  TimePoint base_;                            ///< Where slot `cursor_` begins.
  std::size_t cursor_ = 0;
  std::size_t armed_ = 0;  ///< Sum of placed_: cancelled ones count until their slot comes.
};

}  // namespace sluice
