#include "gateway/journal/memory.h"

#include <utility>

#include "gateway/sse/event_id.h"

namespace sluice::journal {

MemoryJournal::MemoryJournal(const Clock& clock) : MemoryJournal(clock, sse::make_epoch()) {}

MemoryJournal::MemoryJournal(const Clock& clock, std::string epoch)
    : clock_(clock), epoch_(std::move(epoch)) {}

void MemoryJournal::follow(Follower& follower) {
  followers_.push_back(&follower);
}

void MemoryJournal::append(std::vector<sse::Draft> drafts, Appended done) {
  std::vector<sse::EventPtr> events;
  std::vector<Receipt> receipts;
  events.reserve(drafts.size());
  receipts.reserve(drafts.size());
  const WallTime now = clock_.wall();
  {
    const std::lock_guard lock(mutex_);
    for (sse::Draft& draft : drafts) {
      const sse::Position position = last().next();
      events.push_back(sse::make_event(std::move(draft), position, epoch_, now));
      last_.store(position.value(), std::memory_order_relaxed);
      receipts.push_back({events.back()->id});
    }
    for (Follower* follower : followers_) follower->on_events(events);
  }
  done(std::move(receipts));
}

}  // namespace sluice::journal
