/// LiveFeed: the event stream of the dashboard: what the gateway is doing, once a second.
///
///   GET /live ─► ":", "retry", the last five minutes and now, at once ─► the next ones, each
///   second
///             ─► event "end" and a retry, when the gateway ends
///
/// A snapshot is made once for all who look. While nobody does, one is made every ten seconds and
/// kept for five minutes: whoever is called at night wants to see what has just been. All viewers
/// share their bytes. A viewer has no queue: one that does not read stays in the snapshot that it
/// is in the middle of, and gets the newest when it is through; one that reads nothing for
/// h1::Options::stalled_stream is ended by its session. Whoever comes when there are `viewers` gets
/// an event "full" and a retry: a browser that were refused with a status would not come back. No
/// heartbeats: each second is one.
///
/// Owner   Admin; it outlives the viewers, which are answers of Admin's connections.
/// Thread  the control loop's; counters: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "gateway/base/intrusive_list.h"
#include "gateway/base/units.h"
#include "gateway/http/exchange.h"
#include "gateway/net/timer.h"
#include "gateway/server/counters.h"

namespace sluice::server {

class LiveFeed {
 public:
  struct Options {
    std::size_t viewers = 16;
  };
  static constexpr Millis kInterval{1'000};
  static constexpr std::uint64_t kKeepEvery = 10;  ///< Intervals.
  static constexpr std::size_t kKept = 30;
  static constexpr Millis kRetry{1'000};       ///< After the gateway's end, and any other.
  static constexpr Millis kFullRetry{10'000};  ///< Where there are enough viewers.

  /// `snapshot` gives a moment as text without line ends.
  LiveFeed(net::Loop& loop, const Options& options, std::function<std::string()> snapshot);

  void start() { timer_.start_periodic(kInterval); }
  std::unique_ptr<http::Answer> open(const http::Request& request, http::Exchange& exchange);
  /// The gateway ends: viewers get their last event, and their streams end.
  void end();
  /// What the timer calls.
  void tick();

  [[nodiscard]] const LiveCounters& counters() const { return counters_; }

 private:
  class Viewer;
  struct ViewerTag;
  using Text = std::shared_ptr<const std::string>;

  void make();
  void publish(std::string event);
  void wake_all();

  net::Loop& loop_;
  const Options options_;
  const std::function<std::string()> snapshot_;
  net::Timer timer_;
  IntrusiveList<Viewer, ViewerTag> viewers_;
  std::deque<Text> kept_;     ///< The oldest first.
  Text newest_;               ///< Null before the first one.
  std::uint64_t number_ = 0;  ///< Of the newest.
  TimePoint made_at_{};
  std::uint64_t ticks_ = 0;
  bool has_ended_ = false;
  LiveCounters counters_;
};

}  // namespace sluice::server
