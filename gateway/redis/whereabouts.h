/// Whereabouts: which server the links of a journal go to, for all of them.
///
///   history.sentinels   the one that they name as the master, asked anew each time (sentinels.h)
///   history.url         the one that it names; and if that is a node of a cluster, the node that
///                       has the slot of history.key, as any node says (MOVED)
///
/// Of a cluster the nodes that one of them names are remembered, up to kNodes: when the last one
/// that was good cannot be reached, the URL's and then each of these is asked in turn, and leads to
/// the slot's master, whoever that is after a fail-over. While a slot moves, nothing of ours is
/// done half here and half there: the node that has it leads elsewhere (ASK), and that is waited
/// out, not followed; publishers wait, as for any other absence.
///
/// Owner   RedisJournal. Thread  the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/redis/aim.h"
#include "gateway/redis/codec.h"
#include "gateway/redis/place.h"
#include "gateway/redis/sentinels.h"
#include "gateway/redis/wiring.h"

namespace sluice::redis {

class Whereabouts {
 public:
  static constexpr std::size_t kNodes = 16;

  /// `wiring` and `moves` outlive it; `moves` counts when the history is found elsewhere.
  Whereabouts(const Wiring& wiring, Aim aim, Counter& moves);

  /// May be called back from inside, or later; not behind stop().
  void find(Sentinels::Found found);
  /// It could not be reached, or is no master.
  void doubt(const Place& place);
  /// A node of a cluster says that the slot is there.
  void moved(const Place& node, const Place& there);
  /// Its answer to CLUSTER SLOTS.
  void learn(const ReplyView& slots);
  void stop();

  [[nodiscard]] bool has_sentinels() const { return sentinels_ != nullptr; }
  /// For the log: "redis.example:6379".
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  // Set in the constructor.
  const Wiring& wiring_;
  const Place home_;
  const std::string name_;
  Counter& moves_;
  const std::unique_ptr<Sentinels> sentinels_;  ///< Null: there are none.

  Place current_;
  std::vector<Place> nodes_;  ///< Of the cluster, home_ not among them.
  TimePoint next_word_{};     ///< In the log, about a move.
  std::size_t next_ = 0;      ///< To be tried: 0: home_, else nodes_[next_ - 1].
};

}  // namespace sluice::redis
