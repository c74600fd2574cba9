#include "gateway/journal/memory.h"

#include <utility>

#include "gateway/journal/seed.h"
#include "gateway/sse/event_id.h"

namespace sluice::journal {

MemoryJournal::MemoryJournal(const Clock& clock, RepeatOptions repeats)
    : MemoryJournal(clock, sse::make_epoch(), repeats) {}

MemoryJournal::MemoryJournal(const Clock& clock, std::string epoch, RepeatOptions repeats)
    : clock_(clock), epoch_(std::move(epoch)), repeats_(repeats, make_seed()) {}

void MemoryJournal::follow(Follower& follower) {
  followers_.push_back(&follower);
}

void MemoryJournal::append(std::vector<sse::Draft> drafts, Appended done) {
  if (is_handed_over_) return done(handed_over());
  std::vector<sse::EventPtr> events;
  std::vector<Receipt> receipts;
  events.reserve(drafts.size());
  receipts.reserve(drafts.size());
  const WallTime now = clock_.wall();
  {
    const std::lock_guard lock(mutex_);
    repeats_.expire(now);
    for (sse::Draft& draft : drafts) {
      const bool has_once = !draft.once.empty();
      const Repeats::Key key = has_once ? repeats_.key_of(draft.once) : Repeats::Key{};
      if (const std::string* first = has_once ? repeats_.find(key) : nullptr) {
        receipts.push_back({*first, true});
        continue;
      }
      const sse::Position position = last().next();
      events.push_back(sse::make_event(std::move(draft), position, epoch_, now));
      last_.store(position.value(), std::memory_order_relaxed);
      receipts.push_back({events.back()->id});
      if (has_once) repeats_.remember(key, events.back()->id, now);
    }
    for (Follower* follower : followers_) {
      if (!events.empty()) follower->on_events(events);
    }
  }
  done(std::move(receipts));
}

}  // namespace sluice::journal
