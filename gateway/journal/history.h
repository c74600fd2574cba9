/// History: what a journal still holds, for readers that come back from farther than the workers'
/// windows of recent events reach.
///
/// It is read a page at a time. What is asked for is answered later, on a thread of the journal's:
/// a disk or another machine may take its time, and a worker never waits.
///
/// Owner   its Journal. Thread  any.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/base/units.h"
#include "gateway/sse/event.h"

namespace sluice::journal {

/// Asks for the events in (after, through] that `wants` takes, in order.
struct Query {
  sse::Position after;
  sse::Position through;
  /// Only events with one of these topics are looked at, by the index of topics; empty: all are.
  std::vector<std::string> topics;
  /// Called on the journal's thread, for each event looked at. Expired events are never shown.
  std::function<bool(const sse::Event&)> wants;
  std::size_t max_events = 128;
  std::size_t max_bytes = 16_KiB;  ///< Encoded; a page holds one event at least, if there is one.
  std::size_t max_looks = 8192;    ///< A page may end early, and be empty, after so many.
};

struct Page {
  std::vector<sse::EventPtr> events;
  sse::Position through;  ///< All that was asked for up to here is in `events`.
  /// The last place in (after, through] where events that were perhaps asked for are no longer
  /// held; 0: nothing is missing. The events behind it are complete.
  sse::Position missing;
};

class History {
 public:
  /// Errc::io when it cannot be read.
  using PageDone = std::function<void(Result<Page>)>;
  using FindDone = std::function<void(Result<std::optional<sse::Position>>)>;

  /// Everything up to here is no longer held; rises only.
  [[nodiscard]] virtual sse::Position evicted() const = 0;
  /// `done` is called exactly once, on a thread of the journal's, perhaps before read() returns.
  virtual void read(Query query, PageDone done) = 0;
  /// Where the earliest held event with that publisher's id stands.
  virtual void find(std::string own_id, FindDone done) = 0;

 protected:
  ~History() = default;
};

}  // namespace sluice::journal
