#include "gateway/base/timer_wheel.h"

#include <algorithm>
#include <utility>

namespace sluice {

void TimerWheel::arm(Deadline& deadline, TimePoint due) {
  deadline.unlink();
  deadline.due_ = due;
  place(deadline);
}

void TimerWheel::place(Deadline& deadline) {
  std::size_t ahead = 1;
  if (deadline.due_ > base_) {
    // Rounded up, so that the slot begins when the deadline has passed.
    const auto slots = static_cast<std::size_t>((deadline.due_ - base_) / kSlot) + 1;
    ahead = std::min(slots, kSlots - 1);
  }
  const std::size_t at = (cursor_ + ahead) % kSlots;
  slots_[at].push_back(deadline);
  ++placed_[at];
  ++armed_;
}

void TimerWheel::advance(TimePoint now) {
  while (base_ + kSlot <= now) {
    if (armed_ == 0) {
      base_ += (now - base_) / kSlot * kSlot;
      return;
    }
    base_ += kSlot;
    cursor_ = (cursor_ + 1) % kSlots;
    // With those that were cancelled, or moved to another slot, meanwhile.
    armed_ -= std::exchange(placed_[cursor_], 0);
    // A deadline that re-arms itself lands at least one slot ahead, so this list only shrinks;
    // it is emptied one by one because a deadline may destroy or cancel any other.
    Slot& slot = slots_[cursor_];
    while (!slot.empty()) {
      Deadline& deadline = slot.pop_front();
      if (deadline.due_ > now) {
        place(deadline);
      } else {
        deadline.on_deadline(now);
      }
    }
  }
}

}  // namespace sluice
