/// Tail: follows the stream in Redis, on a connection of its own (XREAD BLOCK occupies one).
///
/// Every event is seen once and in order, and that this is so is checked, not believed: positions
/// have no holes, and each entry holds the mark of the one before it. Whenever the link is new and
/// whenever nothing comes, the state of the history is looked at. What it may find:
///
///   - all goes on: after a break of the link, behind the last event that was seen;
///   - a hole: what stood there was removed before it was seen here;
///   - another epoch: the history was emptied, or another instance has found what comes next;
///   - the end went back, or what follows is not of the same line: a fail-over lost events that had
///     been acknowledged and gave their positions again. The Tail then begins another epoch, so
///     that nobody takes the new events for those that he has seen.
///
/// In all but the first case it is *broken*: it follows no longer, and what was seen cannot go on.
///
/// Where events come fast, it lets some of them come together before it asks again: each answer
/// wakes two threads here, and has Redis look for who waits.
///
/// An entry that the script did not write is passed over, and taken out of the stream by the
/// script (mend). One that holds no event that could be shown is passed over, and counted.
///
/// Owner   RedisJournal. Thread  its thread; last(): any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/journal/counters.h"
#include "gateway/net/timer.h"
#include "gateway/redis/counters.h"
#include "gateway/redis/link.h"
#include "gateway/redis/pace.h"
#include "gateway/sse/event.h"

namespace sluice::redis {

class Tail final : private Link::Events {
 public:
  struct Doors {
    std::function<void(std::span<const sse::EventPtr>)> on_events;
    /// False: those who follow have too much already. Redis keeps the rest.
    std::function<bool()> has_room;
    /// Something was followed, events or not.
    std::function<void()> on_progress;
    std::function<void(const std::string& why)> on_broken;
    std::function<void(std::string_view trouble)> on_link;  ///< "": it is up.
  };
  /// Where it begins.
  struct Place {
    std::string epoch;
    sse::Position last;
    std::uint64_t mark = 0;
  };

  Tail(const Wiring& wiring, std::string state_key, Place place, Counters& counters, Doors doors);

  void start() { link_.start(); }
  /// Somebody heard of another history: the state is looked at, though events come.
  void look();
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  [[nodiscard]] sse::Position last() const {
    return sse::Position(last_.load(std::memory_order_acquire));
  }

 private:
  void on_up() override;
  void on_down(std::string_view why) override;
  void ask_state();
  void on_state(const Result<Reply>& answer);
  void read_on();
  void on_silence();
  void go_on();
  [[nodiscard]] bool is_fast(std::size_t entries);
  void show();
  void mend();
  void take_out();
  void on_read(const Result<Reply>& answer);
  /// False: it cannot go on behind this one.
  bool take(ReplyView reply);
  void renew(const std::string& why);
  void break_off(const std::string& why);

  // Set in the constructor.
  const Wiring& wiring_;
  const std::string state_key_;
  const std::string epoch_;
  Counters& counters_;
  const Doors doors_;
  // Its thread only.
  std::uint64_t mark_;
  bool is_broken_ = false;
  bool is_looking_ = false;
  std::uint64_t expected_ = 0;  ///< What the state says is there to be read.
  Pace pace_;
  std::vector<sse::EventPtr> events_;
  std::size_t foreign_ = 0;  ///< Of one answer …
  std::string foreign_id_;   ///< … and the first of them.
  std::string mended_id_;    ///< The one that was to be taken out.
  bool is_stuck_ = false;    ///< Not even one entry can be read.
  TimePoint next_word_of_them_{};
  TimePoint read_at_{};  ///< When there was an answer.
  Link link_;
  net::Timer gather_;
  // Any thread.
  std::atomic<std::uint64_t> last_;
};

}  // namespace sluice::redis
