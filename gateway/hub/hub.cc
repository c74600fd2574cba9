#include "gateway/hub/hub.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/sse/event_id.h"

namespace sluice::hub {

using sse::GapReason;
using sse::Position;

namespace {
constexpr std::size_t kScannersPerTurn = 16;

std::size_t cost_of(const Interest& interest) {
  std::size_t cost = 0;
  for (const Selector& selector : interest.topics) cost += selector.weight();
  return std::max<std::size_t>(1, cost);
}
}  // namespace

Hub::Hub(const Options& options, Home home, Counters& counters)
    : memory_(sizeof(Subscription)),
      options_(options),
      home_(std::move(home)),
      counters_(counters),
      rules_(options.rules),
      window_({.events = options.history_events,
               .bytes = options.history_bytes,
               .age = options.history_age},
              &rules_, home_.last),
      told_(home_.last),
      scan_budget_(options.scan_events) {}

Hub::~Hub() {
  SLUICE_ASSERT(channels_.empty(), "a hub was destroyed before its subscriptions");
}

void Hub::publish(sse::EventPtr event) {
  for (const std::string& topic : event->topics) {
    const auto found = by_topic_.find(topic);
    if (found != by_topic_.end()) {
      for (Channel* channel : found->second) offer(*channel, event);
    }
  }
  if (!patterns_.empty()) offer_to_patterns(event);
  for (Channel* channel : any_) offer(*channel, event);
  window_.append(std::move(event));
  counters_.events.add();
  counters_.window_events.set(static_cast<std::int64_t>(window_.size()));
  counters_.window_bytes.set(static_cast<std::int64_t>(window_.bytes()));
}

void Hub::offer_to_patterns(const sse::EventPtr& event) {
  const std::vector<Topic> topics(event->topics.begin(), event->topics.end());
  for (const auto& [key, pattern] : patterns_) {
    const bool matches = std::any_of(
        topics.begin(), topics.end(),
        [&selector = pattern.selector](const Topic& topic) { return selector.matches(topic); });
    if (!matches) continue;
    for (Channel* channel : pattern.channels) offer(*channel, event);
  }
}

void Hub::offer(Channel& channel, const sse::EventPtr& event) {
  if (!channel.interest().may_see(*event)) return;
  // Nobody needs what the ring holds: it starts again instead of dragging it along.
  if (channel.waiting_count == channel.readers && !channel.is_dirty) channel.clear();
  if (!channel.append(event)) return;
  if (!std::exchange(channel.is_dirty, true)) dirty_.push_back(&channel);
  if (!std::exchange(channel.is_warm, true)) warm_.push_back(&channel);
}

void Hub::wake_readers() {
  ++turn_;
  for (Channel* channel : dirty_) {
    channel->is_dirty = false;
    while (!channel->waiting.empty()) {
      Subscription& reader = channel->waiting.front();
      reader.stop_resting();
      reader.subscriber_.wake();
    }
  }
  dirty_.clear();
  told_ = window_.last();
  // The others wait for their turn: together they may hold a turn up no longer than one could.
  scan_budget_ = options_.scan_events;
  Readers scanning;
  for (std::size_t i = 0; i < kScannersPerTurn && !scanning_.empty(); ++i) {
    scanning.push_back(scanning_.pop_front());
  }
  while (!scanning.empty()) {
    Subscription& reader = scanning.front();
    reader.stop_resting();
    reader.subscriber_.wake();
  }
}

void Hub::set_replay(bool is_allowed) {
  may_replay_ = is_allowed;
  while (may_replay_ && !held_.empty()) {
    Subscription& reader = held_.front();
    reader.stop_resting();
    reader.subscriber_.wake();
  }
}

/// A channel's ring is what a reader that keeps up may be behind. Bytes are estimated.
bool Hub::is_far_behind(const Start& start) const {
  const std::uint64_t newest = window_.last().value();
  const std::uint64_t after = start.after.value();
  if (start.after < window_.evicted()) return true;
  if (after >= newest) return false;
  const auto behind = static_cast<std::size_t>(newest - after);
  return behind > options_.ring_events ||
         window_.bytes() / window_.size() * behind > options_.ring_bytes;
}

void Hub::tidy() {
  window_.expire(home_.clock.wall());
  counters_.window_events.set(static_cast<std::int64_t>(window_.size()));
  counters_.window_bytes.set(static_cast<std::int64_t>(window_.bytes()));
  std::erase_if(warm_, [](Channel* channel) {
    if (channel->waiting_count != channel->readers || channel->is_dirty) return false;
    channel->clear();
    channel->is_warm = false;
    return true;
  });
}

Position Hub::oldest() const {
  return home_.history == nullptr ? window_.evicted()
                                  : std::min(home_.history->evicted(), window_.last());
}

/// Another worker may have delivered already what has not come here yet.
Position Hub::newest() const {
  return home_.newest ? std::max(home_.newest(), window_.last()) : window_.last();
}

Start Hub::resolve(std::string_view last_event_id) const {
  if (last_event_id.empty()) return now();
  if (last_event_id == "earliest") return {.after = oldest(), .is_earliest = true};
  // Ours first: nobody who publishes shall be able to move another reader's cursor.
  const auto id = sse::parse_id(last_event_id);
  if (id && id->epoch == home_.epoch && id->position <= newest()) {
    if (id->position < oldest()) return lost(GapReason::evicted, last_event_id);
    return {.after = id->position};
  }
  if (const auto own = window_.find(last_event_id)) return {.after = *own};
  return not_in_window(last_event_id);
}

Start Hub::not_in_window(std::string_view asked) const {
  const auto id = sse::parse_id(asked);
  return lost(id && id->epoch != home_.epoch ? GapReason::epoch : GapReason::unknown, asked);
}

void Hub::resolve(const std::string& last_event_id, Resolved done) const {
  Start start = resolve(last_event_id);
  const bool is_final = start.is_found || start.gap == GapReason::evicted;
  if (is_final || home_.history == nullptr) {
    done(std::move(start));
    return;
  }
  // The window's earliest event of that id is not the earliest when history holds another: but who
  // comes back usually has a recent one, and an id is not meant to be given twice.
  home_.history->find(last_event_id, [this, last_event_id, done = std::move(done)](auto found) {
    home_.post([this, last_event_id, done, found = std::move(found)] {
      if (!found) {
        done({.after = window_.last(), .is_unsure = true});
      } else if (*found) {
        done({.after = **found});
      } else {
        done(not_in_window(last_event_id));
      }
    });
  });
}

Start Hub::lost(GapReason reason, std::string_view asked) const {
  Start start{.after = oldest(), .gap = reason, .asked = std::string(asked), .is_found = false};
  if (options_.lost_cursor == LostCursor::earliest) start.gap.reset();
  if (options_.lost_cursor == LostCursor::latest) start.after = window_.last();
  return start;
}

Result<std::unique_ptr<Subscription>> Hub::subscribe(Interest interest, Start start,
                                                     Subscriber& subscriber) {
  if (interest.topics.empty()) return fail(Errc::invalid, "no topic is named");
  if (interest.topics.size() > options_.selectors) {
    return fail(Errc::invalid, fmt::format("{} topics in one subscription; at most {} are allowed",
                                           interest.topics.size(), options_.selectors));
  }
  for (const Selector& selector : interest.topics) {
    if (selector.text().empty()) return fail(Errc::invalid, "a topic is empty");
    if (selector.text().size() > options_.selector_length) {
      return fail(Errc::invalid, fmt::format("a topic is {} bytes long; at most {} are allowed",
                                             selector.text().size(), options_.selector_length));
    }
  }
  std::string key = interest.key();
  auto found = channels_.find(key);
  if (found == channels_.end()) {
    if (!has_room(interest)) {
      return fail(Errc::limit, "there are too many distinct subscriptions");
    }
    auto channel = std::make_unique<Channel>(*this, std::move(interest), window_.last(), options_);
    channel->cost = cost_of(channel->interest());
    channel->may_miss_removed = rules_.may_remove_from(channel->interest().topics);
    found = channels_.emplace(std::move(key), std::move(channel)).first;
    enlist(*found->second);
  }
  counters_.subscribed.add();
  counters_.subscriptions.add();
  return make_in<Subscription>(memory_, *found->second, subscriber, std::move(start));
}

bool Hub::has_room(const Interest& interest) const {
  if (channels_.contains(interest.key())) return true;
  return channels_.size() < options_.channels &&
         pattern_weight_ + new_weight(interest) <= options_.patterns;
}

std::size_t Hub::new_weight(const Interest& interest) const {
  std::size_t weight = 0;
  for (const Selector& selector : interest.topics) {
    const bool is_new =
        selector.kind() == Selector::Kind::pattern && !patterns_.contains(selector.key());
    if (is_new) weight += selector.weight();
  }
  return weight;
}

void Hub::enlist(Channel& channel) {
  for (const Selector& selector : channel.interest().topics) {
    if (selector.kind() == Selector::Kind::any) {
      any_.push_back(&channel);
      continue;
    }
    if (selector.matches_itself()) by_topic_[selector.text()].push_back(&channel);
    if (selector.kind() != Selector::Kind::pattern) continue;
    const auto [at, is_new] = patterns_.try_emplace(selector.key(), Pattern{selector, {}});
    if (is_new) pattern_weight_ += selector.weight();
    at->second.channels.push_back(&channel);
  }
  counters_.channels.add();
}

void Hub::strike_off(Channel& channel) {
  const auto strike = [&channel](auto& map, const std::string& key, auto channels_of) {
    const auto found = map.find(key);
    if (found == map.end()) return false;
    Channels& channels = channels_of(found->second);
    std::erase(channels, &channel);
    if (!channels.empty()) return false;
    map.erase(found);
    return true;
  };
  for (const Selector& selector : channel.interest().topics) {
    strike(by_topic_, selector.text(), [](Channels& all) -> Channels& { return all; });
    const bool is_gone =
        strike(patterns_, selector.key(), [](Pattern& all) -> Channels& { return all.channels; });
    if (is_gone) pattern_weight_ -= selector.weight();
  }
  std::erase(any_, &channel);
  std::erase(dirty_, &channel);
  std::erase(warm_, &channel);
  counters_.channels.sub();
}

void Hub::unsubscribed(Channel& channel) {
  counters_.subscriptions.sub();
  if (channel.readers > 0) return;
  strike_off(channel);
  const auto found = channels_.find(channel.interest().key());
  SLUICE_ASSERT(found != channels_.end(), "a channel is not known to its hub");
  channels_.erase(found);
}

}  // namespace sluice::hub
