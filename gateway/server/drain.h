/// Drain: how the gateway ends so that browsers do not notice more than a reconnect.
///
///   begin() ─ delay ─► notice, streams end one by one ─ window ─► final GOAWAY ─► finished()
///             /readyz is 503, all else goes on    newcomers are parked        at hard_limit anyway
///
/// Where nothing is open after the delay, the window is only as long as the notice needs.
///
/// Owner   server::Gateway. Thread  the control loop's.
#pragma once

#include <functional>

#include "gateway/net/loop.h"
#include "gateway/net/timer.h"
#include "gateway/server/metrics.h"

namespace sluice::server {

class Drain {
 public:
  Drain(net::Loop& loop, Shared& shared, const Workers& workers, std::function<void()> finished);

  /// Of a drain that goes on already nothing is changed.
  void begin();
  /// The same without the delay: newcomers already go to the process that replaces this one.
  void begin_at_once();
  /// By SIGTERM: the first one begins, however else a drain was begun before; a second one, by an
  /// impatient operator, ends at once.
  void on_signal();
  [[nodiscard]] DrainProgress progress() const;

 private:
  void enter(DrainProgress::Stage stage, Duration time);
  void begin_after(Millis delay);
  void end_streams();
  void last_words();
  void look();

  net::Loop& loop_;
  Shared& shared_;
  const Workers& workers_;
  const std::function<void()> finished_;
  net::Timer next_;
  net::Timer watch_;
  TimePoint hard_limit_{};
  DrainProgress progress_;  ///< Without `left`.
  TimePoint stage_ends_{};
  void (Drain::*stage_)() = nullptr;
  bool has_signal_ = false;
};

}  // namespace sluice::server
