#include "gateway/sse/event.h"

#include <utility>

#include "gateway/sse/encoder.h"
#include "gateway/sse/event_id.h"

namespace sluice::sse {

std::size_t Event::memory() const {
  constexpr std::size_t kIndex = 96;  // Of each topic, in the window that holds the event.
  std::size_t bytes = sizeof(Event) + wire.capacity() + id.capacity() + key.capacity();
  for (const std::string& topic : topics) bytes += sizeof(std::string) + kIndex + topic.capacity();
  return bytes;
}

EventPtr make_event(Draft draft, Position position, std::string_view epoch, WallTime time) {
  auto event = std::make_shared<Event>();
  event->position = position;
  event->has_own_id = !draft.id.empty();
  event->id = event->has_own_id ? std::move(draft.id) : make_id(epoch, position);
  event->is_private = draft.is_private;
  event->wire =
      encode({.id = event->id, .type = draft.type, .data = draft.data, .retry = draft.retry});
  event->topics = std::move(draft.topics);
  event->key = std::move(draft.key);
  event->time = time;
  if (draft.ttl) event->expires = time + *draft.ttl;
  return event;
}

}  // namespace sluice::sse
