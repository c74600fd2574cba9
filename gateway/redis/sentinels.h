/// Sentinels: which server is the master, by those who watch over it.
///
///   find() ─► the first ─► [login] ─► get-master-addr-by-name ─► Found
///               ▲   │ no connection, no answer within sentinel_timeout, a refusal, no such name
///               └───┘ the next one; when all were asked, Found is an error with what each said
///
/// Whoever answered is the first to be asked the next time, on the connection that is there, unless
/// what it named was no good (doubt()): then it is the one behind it. Nothing is subscribed to: a
/// link that is lost asks anew, and one that is up asks every sentinel_interval, since in a
/// fail-over the old master may take events for seconds, all of which are lost. What a sentinel
/// names is believed only when it says itself that it is the master (ROLE).
///
/// Owner   Whereabouts. Thread  the loop's.
/// Errors  Found: one sentence.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/net/timer.h"
#include "gateway/redis/line.h"

namespace sluice::redis {

class Sentinels final : private Line::Events {
 public:
  using Found = std::function<void(Result<Place>)>;

  /// `moves` counts when another server is named than before.
  Sentinels(const Wiring& wiring, std::vector<Place> places, Counter& moves);
  Sentinels(const Sentinels&) = delete;
  Sentinels& operator=(const Sentinels&) = delete;

  /// Not called back from inside. Who comes while they are asked gets the same answer.
  void find(Found found);
  void doubt(const Place& named);
  /// Nobody is called back any more.
  void stop();

 private:
  void on_open() override;
  void on_reply(Reply reply) override;
  void on_closed(std::string_view why, Errc code) override;

  void ask();
  void send_question();
  void next(std::string_view why);
  void hang_up();
  void found(Place master);
  void answer(const Result<Place>& answer);
  [[nodiscard]] const Place& asked() const;
  [[nodiscard]] std::string explain(std::string_view refusal) const;

  // Set in the constructor.
  const Wiring& wiring_;
  const std::vector<Place> places_;
  Counter& moves_;

  std::vector<Found> waiting_;
  std::size_t first_ = 0;  ///< Of places_, to be asked first.
  std::size_t tries_ = 0;  ///< In this round, that failed.
  std::string reasons_;    ///< Why they did.
  bool is_login_ = false;  ///< The next answer is one to AUTH.
  bool is_open_ = false;   ///< The line is, and its login was good.
  Place named_;            ///< The last answer.
  bool is_doubted_ = false;
  std::unique_ptr<Line> line_;  ///< To places_[first_] while nobody waits.
  net::Timer patience_;
};

}  // namespace sluice::redis
