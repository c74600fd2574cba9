/// RedisJournal: history in a stream of Redis, which several instances share.
///
/// Redis orders and keeps; every instance follows all of it, and any of them appends. Events reach
/// followers from the tail only, those that were appended here as well: so all instances show one
/// order. Nothing here elects, replicates or gossips.
///
/// While Redis is away followers get nothing and lose nothing; append() waits for it, up to
/// Options::publish_timeout. When what was followed cannot go on (tail.h), append() is Errc::limit
/// and on_break() is called until this process is replaced.
///
/// Owner   server::Gateway; gone before whatever its callbacks name. Thread  any; one of its own
/// does all the work and calls back. Destroying it appends what waits, for a moment.
/// Errors  open(): one sentence that says what to do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/redis/counters.h"
#include "gateway/redis/options.h"

namespace sluice::redis {

class RedisJournal final : public journal::Journal, public journal::History {
 public:
  /// `clock` and the counters outlive it.
  static Result<std::unique_ptr<RedisJournal>> open(Options options, const Clock& clock,
                                                    journal::Counters& counters,
                                                    Counters& own_counters);
  ~RedisJournal() override;

  [[nodiscard]] const std::string& epoch() const override;
  void append(std::vector<sse::Draft> drafts, journal::Appended done) override;
  void follow(journal::Follower& follower) override;
  /// Both processes follow: there is nothing to hand over but the right to append.
  void hand_over() override;
  Result<void> take_back() override;
  [[nodiscard]] sse::Position last() const override;
  [[nodiscard]] History* history() override { return this; }
  [[nodiscard]] journal::Roster* roster() override;
  [[nodiscard]] std::string trouble() const override;
  void on_break(const std::function<void()>& replace) override;

  [[nodiscard]] sse::Position evicted() const override;
  void read(journal::Query query, PageDone done) override;
  void find(std::string own_id, FindDone done) override;

 private:
  struct Parts;
  explicit RedisJournal(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace sluice::redis
