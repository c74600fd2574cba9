/// View and Reader: a Log as one worker sees it, without locks, and a place in it.
///
/// A View pulls the pointers that are new once per turn, when its bell was rung, and wakes its
/// readers that wait, once. Nothing is queued for a reader: it is a number in the View, beside the
/// event that it is in the middle of and, for who joins late or is slow, a page of events to be
/// read first. A View whose readers have had everything lets go of it at the next pull.
///
/// When a View of a shared log has pulled, its readers have the rest of that turn to take what is
/// new. Sharing then calls pass(), and the log may go on.
///
/// Slow readers of a shared log are decided on here, when they read: one whose place the ring has
/// given up gets by SlowReader the rest of it behind a gap event, the newest event behind one, or
/// its end; with `latest` one that had not had everything when news came gets the newest of each
/// type.
///
/// Owner      of a View: Sharing, while it has readers; of a Reader: the ReaderStream.
/// Thread     their worker's.
/// Invariant  a reader gets every event behind its place, once, in order, or a gap event where some
///            are missing; the readers of an exclusive log are never ahead of Log::handed().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/intrusive_list.h"
#include "gateway/relay/counters.h"
#include "gateway/relay/door.h"
#include "gateway/relay/log.h"

namespace sluice::relay {

class View;
struct ViewPulledTag;
struct ViewReadersTag;
struct ViewWaitingTag;

/// Who reads by a Reader.
class ReaderOwner {
 public:
  /// There is something new: events, or the log's head or end. Once after ready() gave 0, or what
  /// it gave with is_all was taken; for the head and the end also at other times.
  virtual void on_news() = 0;
  /// Another reader has taken this one's place: it gets nothing more.
  virtual void on_superseded() = 0;
  /// It is too slow for its route. As on_superseded().
  virtual void on_too_slow() = 0;

 protected:
  ~ReaderOwner() = default;
};

class Reader : public ListHook<ViewReadersTag>, public ListHook<ViewWaitingTag> {
 public:
  Reader(View& view, ReaderOwner& owner, Place place, SlowReader slow, RouteCounters& counters);
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  struct Ready {
    std::size_t bytes = 0;
    bool is_all = false;
  };
  /// As hub::Subscription's.
  Ready ready(std::size_t max);
  void take(std::span<std::byte> out);
  /// What is left of the event that was begun; 0 between events.
  [[nodiscard]] std::size_t rest_of_event() const;
  [[nodiscard]] bool is_resting() const { return is_waiting_ || is_out_; }
  /// It has had all there will ever be.
  [[nodiscard]] bool is_at_end() const;
  [[nodiscard]] View& view() { return view_; }
  [[nodiscard]] const View& view() const { return view_; }
  /// Events and gap events handed over whole.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  /// Events that wait for it, and their bytes.
  [[nodiscard]] std::uint64_t behind() const;
  [[nodiscard]] std::uint64_t waiting_bytes() const;
  /// It was handed the end: nobody comes back for that.
  void told_end();

 private:
  friend class View;
  /// Events that are read before those of the View.
  struct Page {
    std::vector<ItemPtr> items;
    std::size_t next = 0;
    std::size_t bytes = 0;
  };

  void choose();
  void fall_behind();
  void pick_newest();
  void put(ItemPtr item);
  void put_gap(sse::GapReason reason, std::uint64_t at, std::string_view behind,
               std::uint64_t missed);
  void rest();
  void stop_resting();
  bool copy(const Item& item, std::span<std::byte>& out);
  [[nodiscard]] std::size_t chosen_bytes() const;

  View& view_;
  ReaderOwner& owner_;
  RouteCounters& counters_;
  const std::uint64_t serial_;
  std::uint64_t next_;    ///< The number it reads next, behind its page.
  std::uint64_t handed_;  ///< The last that was taken whole.
  std::uint64_t taken_ = 0;
  std::uint64_t gaps_ = 0;
  ItemPtr begun_;  ///< Of the View, taken in part: it may let go of it meanwhile.
  std::unique_ptr<Page> page_;
  std::uint32_t offset_ = 0;  ///< Bytes taken of the event that was begun.
  const SlowReader slow_;
  bool is_waiting_ = false;
  bool is_out_ = false;  ///< Gets nothing more.
};

class View final : public ListHook<ViewPulledTag>, private Bellman {
 public:
  using Pulled = IntrusiveList<View, ViewPulledTag>;
  /// `pulled`: where it is found when it has to be passed on at the end of the turn.
  View(std::shared_ptr<Log> log, std::shared_ptr<Door> door, const Clock& clock, Pulled& pulled);
  ~View();
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  [[nodiscard]] Log& log() { return *log_; }
  [[nodiscard]] const Log& log() const { return *log_; }
  [[nodiscard]] const std::shared_ptr<Log>& shared_log() const { return log_; }
  [[nodiscard]] std::size_t readers() const { return readers_count_; }
  /// Takes what the log has, and tells the readers. Before somebody joins who was given a Place.
  void pull();
  /// At the end of a turn in which it has pulled, when readers have taken what they can.
  void pass() {
    passed_ = next() - 1;
    log_->passed(bell_, passed_);
  }
  /// The upstream's, without what is a connection's own; null: not yet known.
  [[nodiscard]] const std::shared_ptr<const http::Response>& head() const { return head_; }
  [[nodiscard]] End end() const { return end_; }
  [[nodiscard]] const Parting& parting() const { return parting_; }

 private:
  friend class Reader;
  struct Slot {
    ItemPtr item;
    std::uint64_t start = 0;  ///< Bytes taken in before it.
  };

  void on_ring() override { pull(); }
  /// Has everything from `number` on, if the log still has.
  void reach_back(std::uint64_t number);
  void take_in(std::vector<ItemPtr>& items);
  void trim();
  void clear();
  void tell(std::uint64_t owner, bool has_state_changed);
  [[nodiscard]] const ItemPtr& at(std::uint64_t number) const;
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t number) const;
  [[nodiscard]] std::uint64_t next() const { return first_ + slots_.size() - dropped_; }

  const std::shared_ptr<Log> log_;
  const Clock& clock_;
  Pulled& pulled_;
  const std::shared_ptr<Bell> bell_;
  IntrusiveList<Reader, ViewReadersTag> readers_;
  IntrusiveList<Reader, ViewWaitingTag> waiting_;
  std::size_t readers_count_ = 0;
  std::size_t waiting_count_ = 0;
  std::vector<Slot> slots_;  ///< The first `dropped_` are empty.
  std::size_t dropped_ = 0;
  std::uint64_t first_ = 1;   ///< Number of slots_[dropped_].
  std::uint64_t fresh_ = 1;   ///< The first that the last pull brought.
  std::uint64_t told_ = 1;    ///< Who waits was told of everything before this number.
  std::uint64_t passed_ = 0;  ///< Readers have had a turn to take everything up to here.
  std::uint64_t end_bytes_ = 0;
  std::shared_ptr<const http::Response> head_;
  Parting parting_;
  End end_ = End::none;
};

}  // namespace sluice::relay
