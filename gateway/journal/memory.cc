#include "gateway/journal/memory.h"

#include <utility>

#include "gateway/sse/event_id.h"

namespace sluice::journal {

MemoryJournal::MemoryJournal() : MemoryJournal(sse::make_epoch()) {}

MemoryJournal::MemoryJournal(std::string epoch) : epoch_(std::move(epoch)) {}

void MemoryJournal::follow(Follower& follower) {
  followers_.push_back(&follower);
}

void MemoryJournal::append(std::vector<sse::Draft> drafts, Appended done) {
  std::vector<sse::EventPtr> events;
  std::vector<std::string> ids;
  events.reserve(drafts.size());
  ids.reserve(drafts.size());
  {
    const std::lock_guard lock(mutex_);
    for (sse::Draft& draft : drafts) {
      last_ = last_.next();
      events.push_back(sse::make_event(std::move(draft), last_, epoch_));
      ids.push_back(events.back()->id);
    }
    for (Follower* follower : followers_) follower->on_events(events);
  }
  done(std::move(ids));
}

}  // namespace sluice::journal
