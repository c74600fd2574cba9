/// Absence: what becomes of the hub's streams when the engine that keeps the history is away for
/// long.
///
///   well ─► away ── history.away_limit ─► streams end one by one, over drain.window ─► well
///
/// They come back by way of the balancer, to an instance that can reach the engine, if there is
/// one: /readyz is 503 here meanwhile. It happens once for each absence; who comes here all the
/// same stays, and waits.
///
/// Owner   server::Gateway. Thread  the control loop's.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "gateway/base/units.h"
#include "gateway/net/loop.h"
#include "gateway/net/timer.h"

namespace sluice::server {

class Absence {
 public:
  static constexpr Millis kLook{250};

  /// `trouble`: why the engine cannot be worked with; empty: it can. `leave` ends the streams.
  Absence(net::Loop& loop, Millis limit, std::function<std::string()> trouble,
          std::function<void()> leave);

  /// Nothing happens where the limit is 0.
  void start();
  void stop() { timer_.stop(); }
  /// What the timer calls.
  void look();

 private:
  net::Loop& loop_;
  const Millis limit_;
  const std::function<std::string()> trouble_;
  const std::function<void()> leave_;
  net::Timer timer_;
  std::optional<TimePoint> since_;  ///< None: it is there.
  bool has_left_ = false;           ///< In this absence.
};

}  // namespace sluice::server
