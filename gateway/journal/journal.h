/// Journal: where events are ordered and kept. Everything else follows it.
///
/// append() gives events their positions and makes them as durable as configured; every follower
/// then gets every event, in order, exactly once. A publisher is answered when append() is done,
/// never before.
///
/// Owner   server::Gateway has one. Thread  append(), last(): any. follow(): main, before start.
/// hand_over(), take_back(): main.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/journal/history.h"
#include "gateway/journal/roster.h"
#include "gateway/sse/event.h"

namespace sluice::journal {

class Follower {
 public:
  /// One call at a time, in the order of positions, from whatever thread appended. It must be
  /// quick and must not append.
  virtual void on_events(std::span<const sse::EventPtr> events) = 0;

  /// False: it has more than it can work with; an engine that keeps events elsewhere waits. Any
  /// thread.
  [[nodiscard]] virtual bool has_room() const { return true; }

 protected:
  ~Follower() = default;
};

/// What became of one draft.
struct Receipt {
  std::string id;
  bool is_repeat = false;  ///< An earlier event with the same Draft::once stands for it.
};

/// One receipt per draft, in order; or why none was kept: Errc::limit when too much waits to be
/// appended (try again), Errc::io when it cannot be stored. Errc::expired: nobody said in time
/// whether they are kept; the same drafts may be appended again, each with its `once`.
using Appended = std::function<void(Result<std::vector<Receipt>>)>;

/// What append() answers behind hand_over().
[[nodiscard]] inline tl::unexpected<Error> handed_over() {
  return fail(Errc::limit, "another process takes over: ask again on a new connection");
}

class Journal {
 public:
  virtual ~Journal() = default;
  Journal() = default;
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Names this incarnation of the history; ids begin with it.
  [[nodiscard]] virtual const std::string& epoch() const = 0;
  /// Orders the drafts one behind the other, all or none. `done` is called exactly once, on any
  /// thread, perhaps before append() returns, and after the followers have had the events.
  virtual void append(std::vector<sse::Draft> drafts, Appended done) = 0;
  /// `follower` outlives the journal.
  virtual void follow(Follower& follower) = 0;

  /// Another process orders the events from now on. What waits is stored first; append() is
  /// Errc::limit until take_back(). What the other one stores is shown to the followers where both
  /// can keep one history, so that those who read here miss nothing. Main; it may take a sync.
  virtual void hand_over() = 0;
  /// The other process is gone: this one goes on behind the last event there is. Fails when nobody
  /// can say what that is; append() then stays Errc::limit.
  virtual Result<void> take_back() = 0;

  /// The position of the newest event. Before start: followers are given what comes behind it.
  [[nodiscard]] virtual sse::Position last() const = 0;
  /// Why it cannot append or follow for now, for whoever asks whether we are ready; empty: it can.
  /// Any thread.
  [[nodiscard]] virtual std::string trouble() const { return {}; }
  /// `replace` is called, on any thread, when what the followers were shown cannot go on: events
  /// are lost, or positions were given again. Only a new process can tell that to its clients. It
  /// is called again until that one takes over. Main, before start.
  virtual void on_break(const std::function<void()>& /*replace*/) {}
  /// What reaches back farther than followers' windows; null: nothing does.
  [[nodiscard]] virtual History* history() = 0;
  /// Where instances that share it meet; null: there is only this one.
  [[nodiscard]] virtual Roster* roster() { return nullptr; }
};

}  // namespace sluice::journal
