/// Hub: who wants what, and what there is. One per worker, each with every event.
///
/// Events come in by publish(), in the journal's order; wake_readers() tells of them. Matching is
/// done per distinct interest, not per reader: a hash look-up for exact names, one match for each
/// distinct pattern.
///
/// Owner      server::Worker. Thread  that worker only: no lock, and so no way to lose or repeat
///            an event between replay and live delivery.
/// Invariant  the hub never sees a socket, a stream or a header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/base/slab.h"
#include "gateway/base/timer_wheel.h"
#include "gateway/hub/channel.h"
#include "gateway/hub/counters.h"
#include "gateway/hub/options.h"
#include "gateway/hub/rules.h"
#include "gateway/hub/subscription.h"
#include "gateway/hub/window.h"
#include "gateway/journal/history.h"
#include "gateway/sse/encoder.h"

namespace sluice::hub {

/// Where a reader begins.
struct Start {
  sse::Position after;                     ///< The first event it is given stands behind this.
  std::optional<sse::GapReason> gap = {};  ///< It is told first that it may have missed something.
  std::string asked = {};                  ///< The id it came with, for the gap event.
  bool is_found = true;                    ///< Its id is known, and all behind it is held.
  bool is_earliest = false;                ///< It asks for what is held, and misses nothing else.
  bool is_unsure = false;                  ///< History could not be asked: it has to come back.
};

/// What a hub needs of the place that it lives in; all of it outlives the hub.
struct Home {
  const Clock& clock;
  TimerWheel& wheel;
  std::string epoch;      ///< The journal's.
  sse::Position last{0};  ///< The journal's newest event when the hub begins.
  std::function<sse::Position()> newest =
      {};  ///< The journal's newest event; any worker may have it.
  journal::History* history =
      nullptr;  ///< Reaches farther back than the window; null: nothing does.
  /// Runs a task on the hub's thread, later; called from any thread. Only with `history`.
  std::function<void(std::function<void()>)> post = {};
};

class Hub {
 public:
  using Resolved = std::function<void(Start)>;

  Hub(const Options& options, Home home, Counters& counters);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  ~Hub();

  void publish(sse::EventPtr event);
  /// Wakes every reader that has something to read. Once a turn, before connections are flushed.
  void wake_readers();
  /// Events came that readers were not woken for yet.
  [[nodiscard]] bool has_news() const { return !dirty_.empty(); }
  /// Some lagging reader has looked through its share of history and wants to go on next turn.
  [[nodiscard]] bool has_work() const { return !scanning_.empty(); }
  /// False: what lies farther back than the window is not read until this is called again. Whoever
  /// needs it rests meanwhile, and all others go on.
  void set_replay(bool is_allowed);
  /// Readers that begin there would have a lot to read.
  [[nodiscard]] bool is_far_behind(const Start& start) const;
  /// Lets go of events that every live reader has had, and of those too old. Every second or so.
  void tidy();

  /// What `Last-Event-ID: text` means here: a place in history, `earliest`, or a gap. Looks no
  /// farther than the window for ids that publishers chose.
  [[nodiscard]] Start resolve(std::string_view last_event_id) const;
  /// The same, and asks the journal's history where the window does not know. That this cannot be
  /// read is no gap, but Start::is_unsure. `done` is called once, before this returns or later.
  void resolve(const std::string& last_event_id, Resolved done) const;
  /// The start of a reader that came without an id: what is published from now on.
  [[nodiscard]] Start now() const { return {.after = window_.last()}; }
  /// Everything up to here is no longer held, neither in the window nor in the journal's history.
  [[nodiscard]] sse::Position oldest() const;
  /// False when there are too many channels or templates for it.
  [[nodiscard]] bool has_room(const Interest& interest) const;
  /// Errc::limit when there are too many channels or templates, Errc::invalid for an interest out
  /// of bounds.
  Result<std::unique_ptr<Subscription>> subscribe(Interest interest, Start start,
                                                  Subscriber& subscriber);

  [[nodiscard]] const Window& window() const { return window_; }
  [[nodiscard]] const std::string& epoch() const { return home_.epoch; }
  [[nodiscard]] const Rules& rules() const { return rules_; }

 private:
  friend class Subscription;
  using Channels = std::vector<Channel*>;
  struct Pattern {
    Selector selector;
    Channels channels;
  };

  /// How many of its templates nobody has asked for yet.
  [[nodiscard]] std::size_t new_weight(const Interest& interest) const;
  void enlist(Channel& channel);
  void strike_off(Channel& channel);
  void offer_to_patterns(const sse::EventPtr& event);
  void offer(Channel& channel, const sse::EventPtr& event);
  void unsubscribed(Channel& channel);

  [[nodiscard]] sse::Position newest() const;
  [[nodiscard]] Start lost(sse::GapReason reason, std::string_view asked) const;
  [[nodiscard]] Start not_in_window(std::string_view asked) const;

  // Set in the constructor.
  Slab memory_;  ///< Subscriptions'.
  const Options& options_;
  const Home home_;
  Counters& counters_;
  const Rules rules_;
  Window window_;
  std::uint32_t turn_ = 0;
  sse::Position told_{0};    ///< Waiting readers have had everything up to here.
  std::size_t scan_budget_;  ///< Left in this turn, of all lagging readers together.

  TextMap<std::unique_ptr<Channel>> channels_;  ///< By Interest::key().
  TextMap<Channels> by_topic_;                  ///< Exact selectors, and templates as themselves.
  std::size_t pattern_weight_ = 0;              ///< Of all patterns_.
  TextMap<Pattern> patterns_;                   ///< By Selector::key().
  Channels any_;
  Channels dirty_;
  Channels warm_;
  bool may_replay_ = true;
  Readers held_;      ///< Lagging readers that need history while it is not read.
  Readers scanning_;  ///< Lagging readers that found nothing in their share of the turn.
};

}  // namespace sluice::hub
