/// Subscription: one reader's place in its channel, or in history when it lags behind.
///
/// Nothing is queued here. A *live* reader is a sequence number in the channel's ring; one whose
/// place the ring has given up is *lagging*: a position, from which it reads the window a page at a
/// time, exactly as fast as its client takes it, until it meets the ring again. This is where slow
/// readers are decided on (policy `replay`): what history no longer holds is told by one `gap`
/// event, and reading goes on from the oldest event held.
///
///                    ring gave its place up
///        ┌─► live ──────────────────────────► lagging ─┐ a page, and the next, …
///        └──────────────────────────────────── ▲───────┘
///            the ring holds all that is left
///
/// Owner      whoever subscribed; destroying it unsubscribes. The hub outlives it.
/// Thread     the hub's worker only.
/// Invariant  a reader gets every event behind its start that it may see, once, in order, or a gap
///            event where some are missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/hub/channel.h"

namespace sluice::hub {

class Hub;

class Subscriber {
 public:
  /// There is something to read again. Called once after ready() gave 0, at the end of a turn.
  virtual void wake() = 0;

 protected:
  ~Subscriber() = default;
};

class Subscription : public ListHook<WaitingTag> {
 public:
  Subscription(Hub& hub, Channel& channel, Subscriber& subscriber, struct Start start);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  /// How many bytes can be taken now, at most `max`. After 0 the subscriber will be woken.
  std::size_t ready(std::size_t max);
  /// Takes exactly out.size() bytes, which is at most what ready() gave; directly after it.
  void take(std::span<std::byte> out);
  /// What is left of the event that was begun; 0 between events.
  [[nodiscard]] std::size_t rest_of_event() const;
  [[nodiscard]] bool is_lagging() const { return is_lagging_; }

 private:
  friend class Hub;
  enum class Rest : std::uint8_t { none, waiting, scanning };

  void read_history();
  void collect_page();
  [[nodiscard]] sse::Position next_wanted(sse::Position after) const;
  void go_live();
  void fall_behind();
  void rest(Rest where);
  void stop_resting();
  void push_gap(sse::Position at);
  void finish_event(const sse::Event& event);

  Hub& hub_;
  Channel& channel_;
  Subscriber& subscriber_;
  sse::Position position_;      ///< Everything up to here was taken, or is not for this reader.
  std::uint64_t sequence_ = 0;  ///< Live: the next event in the ring.
  std::vector<sse::EventPtr> page_;  ///< Read before anything else. Empty for most readers.
  std::uint32_t page_next_ = 0;      ///< The first of page_ not wholly taken.
  std::uint32_t offset_ = 0;         ///< Bytes taken of that one.
  std::size_t page_bytes_ = 0;       ///< Left in page_.
  bool is_lagging_ = true;
  Rest rest_ = Rest::none;
};

}  // namespace sluice::hub
