/// Log: what is held of one upstream stream, for readers on any worker.
///
/// A bounded ring of events, encoded once and never changed. One Source appends, on its home
/// worker; a View on each worker with readers copies pointers out of it. Events are numbered 1, 2,
/// 3, …; a reader is a number.
///
///   opening ─► live ─► ended: clean, broken (with what readers are told), refused (no stream)
///                any of them ─► closed: nobody joins any more, and nothing is held
///
/// A *shared* log drops its oldest events whoever still wants them, but never what a View was not
/// given a turn to hand on. Of that it takes half of its bounds, and leaves the rest at the
/// upstream until all Views have passed on what they have (passed()). So who takes all that he can
/// have in each turn loses nothing, however much comes at once, and who does not holds nobody up
/// for longer than his worker's turn. An *exclusive* one has one reader and loses nothing: it drops
/// only what that reader was handed, keeps half of its bounds for that, as what was handed out may
/// not have arrived, and tells the Source by room() to leave the rest at the upstream. It goes past
/// its bounds by two events at most.
///
/// While the process is tight (Account) the bounds of each log are a small part of their own. What
/// a log has above it already it loses, or gives to its reader, with the next events: so what logs
/// hold beyond the process' bound is that part of each, and one event always fits.
///
/// Owner      shared: its Source, its Views, Sources. Thread  any; the mutex is held for an append,
///            a join, or a copy of pointers. Nothing is called while it is held.
/// Invariant  numbers are without holes; an id stands for at most one event of the ring.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"
#include "gateway/http/message.h"
#include "gateway/relay/door.h"
#include "gateway/relay/options.h"
#include "gateway/relay/parting.h"
#include "gateway/sse/encoder.h"

namespace sluice::relay {

/// What stands in a log: an event, or a block that is none to a client (a `retry`, a lone `id`).
struct Item {
  std::string wire;  ///< The whole block, as every reader gets it.
  std::string id;    ///< The upstream's, if a reader may come back with it; empty: none.
  std::string type;  ///< Empty: a plain message.
  bool is_event = true;

  [[nodiscard]] std::size_t memory() const {
    return sizeof(Item) + wire.capacity() + id.capacity() + type.capacity();
  }
};
using ItemPtr = std::shared_ptr<const Item>;

enum class End : std::uint8_t {
  none,     ///< It goes on.
  clean,    ///< The upstream said that it is complete.
  broken,   ///< It is not, and no more will come.
  refused,  ///< It never was an event stream: who waits for it asks by himself.
};

/// What all logs of the process hold.
struct Account {
  std::atomic<std::size_t> bytes{0};
  std::atomic<bool> is_tight{false};  ///< There is no room for more. Set by Sources.
};

/// Where somebody begins to read, and by what right he is here.
struct Place {
  std::uint64_t serial = 0;           ///< Of the reader; for Log::leave() and Log::handed().
  std::uint64_t after = 0;            ///< He gets what comes behind this number …
  std::vector<ItemPtr> page;          ///< … and these before.
  std::optional<sse::GapReason> gap;  ///< He misses something, and is told so first …
  std::string gap_behind;             ///< … with the id that he came with; empty: none.
  bool is_resumed = false;            ///< He came back to his very place.
};

/// What somebody asks for who joins.
struct Wish {
  std::string_view last_event_id;  ///< Empty: none.
  LateJoiner late = LateJoiner::none;
  std::size_t late_events = 0;
  bool from_start = false;  ///< Of what is held; what `late` says does not matter.
  TimePoint now{};          ///< An exclusive log needs it.
};

class Log {
 public:
  struct Setting {
    std::string name;  ///< As made by make_stream_name().
    std::string key;   ///< What was asked for, by whom: only equal ones share or resume.
    std::size_t events = 1;
    std::size_t bytes = 1;
    bool is_exclusive = false;
    bool has_names = false;  ///< Its events get ids of the form NAME-N.
    bool is_posted = false;  ///< It was started by a POST.
  };
  /// `home`: rung when readers came, went, or made room.
  Log(Setting setting, Account& account, std::shared_ptr<Bell> home);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] const Setting& setting() const { return setting_; }
  /// When its last reader left; max: it has readers.
  [[nodiscard]] TimePoint idle_since() const {
    return TimePoint(Duration(idle_since_.load(std::memory_order_relaxed)));
  }

  // The Source's.
  [[nodiscard]] Bell& home() { return *home_; }
  void open(std::shared_ptr<const http::Response> head);
  void append(std::vector<ItemPtr>& items);
  void set_retry(Millis retry) { retry_.store(retry.count(), std::memory_order_relaxed); }
  /// What the upstream has said last; 0: nothing.
  [[nodiscard]] Millis retry() const { return Millis(retry_.load(std::memory_order_relaxed)); }
  /// The last word.
  void finish(End end, Parting parting = {});
  /// How much it takes before the reader, or each View, must have had some; asks to be rung when
  /// there is more.
  struct Room {
    std::size_t events = SIZE_MAX;
    std::size_t bytes = SIZE_MAX;
    [[nodiscard]] bool is_none() const { return events == 0 || bytes == 0; }
  };
  [[nodiscard]] Room room();
  [[nodiscard]] std::size_t readers() const;
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool holds(std::string_view id) const;
  [[nodiscard]] std::uint64_t next() const;
  [[nodiscard]] bool is_closed() const;
  /// A reader knows the id of an event, and may come back with it. Exclusive logs only.
  [[nodiscard]] bool was_handed() const;

  // Anybody's.
  /// For good: nobody joins, and nothing is held once the readers have gone. `how` is how it ends
  /// for them, if it has not. With `only_if_idle`: false if there are some.
  bool close(bool only_if_idle, End how = End::broken);
  /// The process has become tight: what the bounds no longer allow goes.
  void trim();
  /// It no longer is: rings the Source if it waits for room.
  void relax();
  /// A place to read from; none: it is closed. An exclusive log's former reader loses his.
  std::optional<Place> join(const Wish& wish);
  void leave(std::uint64_t serial, TimePoint now);
  /// Everything up to `number` was handed to the client. Exclusive logs only.
  void handed(std::uint64_t serial, std::uint64_t number, TimePoint now);
  /// Whether the client of the attached reader, which it has, may be the one that now comes with
  /// this id of the upstream's, having left unnoticed. Not so if that reader was not handed that
  /// event yet, or was handed the one behind it before `since`: by then it would have been missed.
  /// And not if it took over from an attached one itself since then: two that live would go on
  /// taking the stream from each other. Exclusive logs only.
  [[nodiscard]] bool may_be_back(std::string_view id, TimePoint since) const;
  /// The last id a reader may come back with and be right behind `number`; empty: none.
  [[nodiscard]] std::string id_behind(std::uint64_t number) const;
  /// Whether a reader was given the end, and may not come back for it.
  void told_end(std::uint64_t serial);
  [[nodiscard]] bool is_end_told() const;
  [[nodiscard]] bool is_at_end(std::string_view last_event_id) const;

  // A View's.
  /// The number of the next event: what comes from there on is held for it.
  std::uint64_t add_view(std::shared_ptr<Bell> bell);
  void remove_view(const std::shared_ptr<Bell>& bell);
  /// A turn has ended in which the readers of that View could take everything up to `number`.
  /// Shared logs only.
  void passed(const std::shared_ptr<Bell>& bell, std::uint64_t number);
  struct News {
    std::vector<ItemPtr> items;  ///< Numbers from, from + 1, …
    std::uint64_t from = 0;      ///< Later than asked for if that is no longer held.
    std::shared_ptr<const http::Response> head;
    End end = End::none;
    Parting parting;
    std::uint64_t owner = 0;  ///< The one reader's serial, of an exclusive log.
  };
  /// Everything from number `from` on.
  [[nodiscard]] News news(std::uint64_t from) const;

 private:
  struct Slot {
    ItemPtr item;
    std::uint64_t start = 0;  ///< Bytes of wire appended before it.
    TimePoint handed{};       ///< Exclusive: when it was handed to the reader, if it was.
  };
  [[nodiscard]] std::uint64_t first() const { return next_ - slots_.size(); }
  [[nodiscard]] const Slot& slot(std::uint64_t number) const {
    return slots_[static_cast<std::size_t>(number - first())];
  }
  [[nodiscard]] Slot& slot(std::uint64_t number) {
    return slots_[static_cast<std::size_t>(number - first())];
  }
  struct Watcher {
    std::shared_ptr<Bell> bell;
    std::uint64_t passed = 0;
  };
  using Watchers = std::vector<Watcher>;
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t number) const;
  /// True: there is room for which the Source waits.
  bool note_passed();
  [[nodiscard]] bool must_drop() const;
  /// True: something went.
  bool drop_surplus();
  void drop_first();
  void drop_all();
  [[nodiscard]] std::size_t bound(std::size_t configured) const;
  [[nodiscard]] std::optional<std::uint64_t> find(std::string_view id,
                                                  sse::GapReason& reason) const;
  void place_late(const Wish& wish, Place& place) const;
  static void ring(const Watchers& views);

  // Set in the constructor.
  const Setting setting_;
  Account& account_;
  const std::shared_ptr<Bell> home_;
  // Any thread.
  std::atomic<Duration::rep> idle_since_;
  std::atomic<Millis::rep> retry_{0};
  // Under the mutex.
  mutable std::mutex mutex_;
  std::deque<Slot> slots_;
  std::unordered_map<std::string_view, std::uint64_t> ids_;  ///< Keys live in the items.
  std::uint64_t next_ = 1;
  std::uint64_t end_ = 0;     ///< Bytes of wire appended in all.
  std::size_t memory_ = 0;    ///< Of the items held.
  std::uint64_t handed_ = 0;  ///< Exclusive: the reader was handed everything up to here.
  std::uint64_t serial_ = 0;  ///< The last one given.
  TimePoint taken_over_ = TimePoint::min();  ///< Exclusive: the last time, from an attached reader.
  std::size_t readers_ = 0;
  Watchers views_;
  std::uint64_t passed_ = UINT64_MAX;  ///< Shared: what all views have passed on.
  std::shared_ptr<const http::Response> head_;
  Parting parting_;  ///< With `how_`.
  End how_ = End::none;
  bool is_closed_ = false;
  bool wants_room_ = false;
  bool is_end_told_ = false;
};

}  // namespace sluice::relay
