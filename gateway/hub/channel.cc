#include "gateway/hub/channel.h"

#include <algorithm>
#include <utility>

#include "gateway/base/assert.h"
#include "gateway/hub/subscription.h"

namespace sluice::hub {

using sse::Position;

namespace {
constexpr std::size_t kFirstSlots = 8;
}  // namespace

Channel::Channel(Hub& owner, Interest interest, Position since, const Options& options)
    : hub(owner),
      interest_(std::make_shared<const Interest>(std::move(interest))),
      options_(options),
      complete_since_(since),
      last_(since) {}

bool Channel::append(const sse::EventPtr& event) {
  if (event->position <= last_) return false;
  const std::size_t size = event->wire.size();
  while (first_ < next_ && (next_ - first_ >= options_.ring_events ||
                            bytes_from(first_) + size > options_.ring_bytes)) {
    drop_first();
  }
  if (next_ - first_ == slots_.size()) grow();
  slots_[index(next_)] = {event, end_};
  ++next_;
  end_ += size;
  last_ = event->position;
  return true;
}

void Channel::drop_first() {
  Slot& slot = slots_[index(first_)];
  complete_since_ = slot.event->position;
  slot.event.reset();
  ++first_;
}

void Channel::grow() {
  std::vector<Slot> larger(std::max(kFirstSlots, slots_.size() * 2));
  for (std::uint64_t i = first_; i < next_; ++i) {
    larger[static_cast<std::size_t>(i) & (larger.size() - 1)] = std::move(slots_[index(i)]);
  }
  slots_ = std::move(larger);
}

void Channel::clear() {
  SLUICE_ASSERT(waiting_count == readers, "a channel was cleared while a reader had not read it");
  complete_since_ = last_;
  if (slots_.size() > kFirstSlots) {
    slots_ = {};
  } else {
    for (Slot& slot : slots_) slot.event.reset();
  }
  first_ = next_;
}

const sse::EventPtr& Channel::at(std::uint64_t sequence) const {
  SLUICE_ASSERT(sequence >= first_ && sequence < next_, "that event is not in the ring");
  return slots_[index(sequence)].event;
}

std::uint64_t Channel::bytes_from(std::uint64_t sequence) const {
  SLUICE_ASSERT(sequence >= first_ && sequence <= next_, "that place is not in the ring");
  return sequence == next_ ? 0 : end_ - slots_[index(sequence)].start;
}

std::uint64_t Channel::sequence_behind(Position position) const {
  SLUICE_ASSERT(position >= complete_since_, "the ring does not reach back so far");
  std::uint64_t low = first_;
  for (std::uint64_t high = next_; low < high;) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (at(middle)->position <= position) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace sluice::hub
