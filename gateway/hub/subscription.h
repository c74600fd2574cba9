/// Subscription: one reader's place in its channel, or in history when it lags behind.
///
/// Nothing is queued here. A *live* reader is a sequence number in the channel's ring; one whose
/// place the ring has given up is *lagging*: a position, from which it reads the window, or what
/// lies farther back in the journal's history, a page at a time, exactly as fast as its client
/// takes it, until it meets the ring again.
///
///                    ring gave its place up
///        ┌─► live ──────────────────────────► lagging ─┐ a page, and the next, …
///        └──────────────────────────────────── ▲───────┘
///            the ring holds all that is left
///
/// This is where slow readers are decided on, event by event, by the policy of the event's topic:
/// `replay` is read from history, and what that no longer holds is told by one gap event; of
/// `latest` a reader that is behind gets only what nothing newer stands for; `drop` skips what the
/// ring has given up and says how many; `close` ends the reader.
///
/// Owner      whoever subscribed; destroying it unsubscribes. The hub outlives it.
/// Thread     the hub's worker only.
/// Invariant  a reader gets every event behind its start that it may see, once, in order, or a gap
///            event where some are missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/result.h"
#include "gateway/base/slab.h"
#include "gateway/hub/channel.h"
#include "gateway/hub/pace.h"
#include "gateway/journal/history.h"
#include "gateway/sse/encoder.h"

namespace sluice::hub {

class Hub;

class Subscriber {
 public:
  /// There is something to read again. Called at the end of a turn, once for each time that the
  /// reader came to rest: ready() gave 0, or what it gave with is_all was taken.
  virtual void wake() = 0;
  /// Nothing more will come: its policy says so, as it `is_slow`, or history cannot be read. It may
  /// come back with its Last-Event-ID. Destroy the subscription soon, but not from inside this
  /// call.
  virtual void close(bool is_slow) = 0;

 protected:
  ~Subscriber() = default;
};

class Subscription : public InSlab, public ListHook<WaitingTag> {
 public:
  Subscription(Channel& channel, Subscriber& subscriber, struct Start start);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  struct Ready {
    std::size_t bytes = 0;  ///< Can be taken now. 0: the subscriber will be woken.
    bool is_all = false;  ///< Behind them there is nothing: who takes them all will be woken, too.
  };

  /// What can be taken now, at most `max` bytes.
  Ready ready(std::size_t max);
  /// Takes exactly out.size() bytes, which is at most what ready() gave; directly after it.
  void take(std::span<std::byte> out);
  /// What is left of the event that was begun; 0 between events.
  [[nodiscard]] std::size_t rest_of_event() const;
  [[nodiscard]] bool is_lagging() const { return is_lagging_; }
  /// Everything up to here was taken, or is not for this reader.
  [[nodiscard]] sse::Position position() const { return position_; }
  /// Events handed over whole, up to 2^32-1 of them; and gap events, up to 2^16-1.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  /// Events that it has still to get; while it reads history, those of others too.
  [[nodiscard]] std::uint64_t behind() const;
  /// Their bytes, as far as it is known which they are.
  [[nodiscard]] std::uint64_t waiting_bytes() const;
  [[nodiscard]] const Channel& channel() const { return channel_; }
  /// It has said that there is nothing, and has not woken its subscriber since.
  [[nodiscard]] bool is_resting() const { return rest_ != Rest::none; }

 private:
  friend class Hub;
  enum class Rest : std::uint8_t {
    none,
    waiting,   ///< Has had everything.
    scanning,  ///< Has had its share of the turn.
    held,      ///< Needs history, which is not read at present.
    fetching,  ///< Has asked for a page of the journal's history.
    paced,     ///< Until its rate allows another event.
    closed,    ///< Will be destroyed.
  };
  enum class Verdict : std::uint8_t { take, skip, close };

  /// What a reader needs that does not simply follow its ring: most have none.
  struct Detour {
    std::vector<sse::EventPtr> page;  ///< Read before anything else in the ring.
    std::size_t next = 0;             ///< The first of them not wholly taken.
    std::size_t bytes = 0;            ///< Left in them.
    sse::Position through{0};         ///< Everything up to here was in the page.
    sse::Position told_missing{0};    ///< Holes that rules left up to here were told of.
    sse::Position dropped_after{0};   ///< The place before the first that was skipped.
    std::uint64_t dropped = 0;        ///< Events skipped that the reader was not told of yet.
    std::unique_ptr<Pace> pace;       ///< Of a subscription with a rate.
    std::shared_ptr<Subscription*>
        alive;  ///< A page that comes later finds the reader by it, or not.
  };

  // In subscription_history.cc.
  void read_history();
  void collect_page();
  void pick_from_ring();
  void fetch(sse::Position through);
  void conflate(std::vector<sse::EventPtr>& events);
  void on_page(Result<journal::Page>& page);
  [[nodiscard]] Verdict judge(const sse::Event& event);
  [[nodiscard]] bool is_superseded(const sse::Event& event) const;
  [[nodiscard]] sse::Position next_wanted(sse::Position after) const;
  [[nodiscard]] sse::Position removed_by_rules() const;
  [[nodiscard]] std::size_t allowance() const;
  void put_on_page(sse::EventPtr event);
  void put_gap(sse::GapReason reason, sse::Position at, std::string_view asked);
  void put_dropped();
  void close(bool is_slow);

  [[nodiscard]] bool is_in_ring() const { return !is_lagging_ && sequence_ >= channel_.first(); }
  [[nodiscard]] bool must_pick_from_ring() const;
  void go_live();
  void fall_behind();
  void rest(Rest where);
  void stop_resting();
  bool copy(const sse::Event& event, std::span<std::byte>& out);
  std::span<std::byte> take_begun(std::span<std::byte> out);
  std::span<std::byte> take_page(std::span<std::byte> out);
  std::span<std::byte> take_ring(std::span<std::byte> out);
  void finish_page();
  Detour& detour();
  void leave_detour();
  [[nodiscard]] Pace* pace() const { return detour_ == nullptr ? nullptr : detour_->pace.get(); }
  [[nodiscard]] bool is_page_empty() const { return detour_ == nullptr || detour_->page.empty(); }
  [[nodiscard]] sse::Position told_missing() const;
  /// Bytes that were chosen already, and only wait to be taken.
  [[nodiscard]] std::size_t chosen_bytes() const;
  /// Everything up to `at` was looked at.
  void move_on(sse::Position at);
  void on_pace();

  Channel& channel_;
  Subscriber& subscriber_;
  sse::Position position_;      ///< Everything up to here was taken, or is not for this reader.
  std::uint64_t sequence_ = 0;  ///< Live: the next event in the ring.
  sse::EventPtr begun_;         ///< Of the ring, taken in part: it may give it up meanwhile.
  std::unique_ptr<Detour> detour_;
  std::uint32_t offset_ = 0;      ///< Bytes taken of the event that was begun.
  std::uint32_t fresh_turn_ = 0;  ///< The hub's turn in which it last had had everything.
  std::uint32_t taken_ = 0;
  std::uint16_t gaps_ = 0;
  bool is_lagging_ : 1 = true;
  bool was_live_ : 1 = false;
  bool is_ahead_ : 1 = false;  ///< Came with a place that this hub has not reached yet.
  Rest rest_ = Rest::none;
};

static_assert(sizeof(Subscription) <= 88, "a million of them wait idle");

}  // namespace sluice::hub
