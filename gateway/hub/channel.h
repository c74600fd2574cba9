/// Channel: the events of one interest, shared by everybody who has it.
///
/// A ring of pointers: an event is matched and appended once, however many readers there are, and a
/// reader is a sequence number in it. When the ring is full its oldest entry goes; a reader that
/// had not come so far finds that out by itself and reads on from the window.
///
/// Owner      hub::Hub, as long as there is a reader. Thread  its worker only.
/// Units      sequence numbers count this channel's events; offsets count their encoded bytes.
/// Invariant  every event of this interest behind complete_since() is in the ring, unless a limit
///            dropped it, which moves complete_since().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/hub/interest.h"
#include "gateway/hub/options.h"

namespace sluice::hub {

class Hub;
class Subscription;
struct WaitingTag;
using Readers = IntrusiveList<Subscription, WaitingTag>;

class Channel {
 public:
  /// Begins empty; knows what comes behind `since`.
  Channel(Hub& owner, Interest interest, sse::Position since, const Options& options);

  /// Takes an event of this interest. False when it has that event already.
  bool append(const sse::EventPtr& event);
  /// Lets go of all events, when every reader has had them.
  void clear();

  [[nodiscard]] const Interest& interest() const { return *interest_; }
  /// For who may outlive the channel: a question to history.
  [[nodiscard]] const std::shared_ptr<const Interest>& shared_interest() const { return interest_; }
  [[nodiscard]] std::uint64_t first() const { return first_; }
  [[nodiscard]] std::uint64_t next() const { return next_; }
  [[nodiscard]] const sse::EventPtr& at(std::uint64_t sequence) const;
  /// Encoded bytes of all events from `sequence` on, which is in [first(), next()].
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t sequence) const;
  [[nodiscard]] sse::Position complete_since() const { return complete_since_; }
  /// The first event behind `position`, which is at least complete_since().
  [[nodiscard]] std::uint64_t sequence_behind(sse::Position position) const;

  Hub& hub;              ///< Whose it is.
  std::size_t cost = 1;  ///< Of holding one event against the interest: the weight of its topics.
  /// Rules for topics may have removed something that its readers miss.
  bool may_miss_removed = false;
  /// Readers that have had everything and are to be woken.
  Readers waiting;
  std::size_t waiting_count = 0;
  std::size_t readers = 0;
  bool is_dirty = false;  ///< Has events that the waiting readers were not told of.
  bool is_warm = false;   ///< In the hub's list of channels that hold events.

 private:
  struct Slot {
    sse::EventPtr event;
    std::uint64_t start = 0;  ///< Bytes appended before it.
  };
  [[nodiscard]] std::size_t index(std::uint64_t sequence) const {
    return static_cast<std::size_t>(sequence) & (slots_.size() - 1);
  }
  void drop_first();
  void grow();

  const std::shared_ptr<const Interest> interest_;
  const Options& options_;
  std::vector<Slot> slots_;  ///< A power of two, or none at all.
  std::uint64_t first_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;  ///< Bytes appended in all.
  sse::Position complete_since_;
  sse::Position last_;  ///< Of the newest event taken.
};

}  // namespace sluice::hub
