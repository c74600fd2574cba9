/// Presence: who is subscribed to what, in all workers (Mercure, "active subscriptions").
///
/// A stream is *present* once for each of its selectors, under a name of its own that nobody can
/// choose. Coming and going are published as private events, below the hub's path; the list is
/// served by SubscriptionApi.
///
///   0.x  topic  PATH/subscriptions/{topic}/{subscriber}               JSON-LD
///   1.0  topic  PATH/subscriptions/{match_type}/{match}/{subscriber}  JSON, `event: mercure`
///
/// Comings and goings are events in the one history that all share, and whoever may open streams
/// causes them: so only so many are told. Beyond that the list alone is right. The bound is not one
/// for each client, because clients are as cheap as addresses; but those without a token have one
/// of their own, and cannot silence the others. A going is told when its coming was, and has a
/// bound of its own: who hears of a stream hears of its end, unless very many end at once.
///
/// Where instances share a journal, each writes its streams into the roster, and the list is of all
/// of them. Whatever an event tells is in the list before: who reads the list, and then the events
/// behind its cursor, misses nothing. The streams of an instance that is gone end by the word of
/// another one.
///
/// Owner   server::Shared, when it is turned on. Thread  any, under a mutex: once per stream.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/journal/journal.h"
#include "gateway/server/present_stream.h"
#include "gateway/server/rates.h"

namespace sluice::server {

/// Of comings, of goings, and of both once more of streams without a token. Four buckets full are a
/// small part of a history of the usual size, and fill it in some minutes, not in a second.
struct PresenceOptions {
  std::size_t per_second = 100;  ///< 0: no limit.
  std::size_t burst = 2'000;     ///< At once, after a pause.
};

class Presence {
 public:
  using Streams = std::map<std::string, PresentStream>;  ///< By subscriber.

  Presence(journal::Journal& journal, const Clock& clock, const PresenceOptions& options)
      : journal_(journal),
        clock_(clock),
        comings_({options.per_second, options.burst}, kKinds),
        goings_({options.per_second, options.burst}, kKinds) {}
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  /// A stream that is present as long as this lives.
  class Lease {
   public:
    Lease(Presence& owner, std::string subscriber)
        : owner_(owner), subscriber_(std::move(subscriber)) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { owner_.leave(subscriber_); }
    [[nodiscard]] const std::string& subscriber() const { return subscriber_; }

   private:
    Presence& owner_;
    const std::string subscriber_;
  };

  /// `is_stranger`: it came without a token.
  std::unique_ptr<Lease> enter(std::vector<ActiveSubscription> subscriptions, bool is_stranger);
  /// No more is published: the process ends, and all streams with it.
  void fall_silent();

  /// All streams that are present, in all instances. On any thread, perhaps at once. Fails where
  /// the other instances cannot be asked.
  using ListDone = std::function<void(Result<Streams>)>;
  void list(const ListDone& done) const;
  /// What this instance does for the roster.
  void join(journal::Roster& roster, journal::Roster::Duties& duties);
  /// Of this instance.
  [[nodiscard]] std::size_t size() const;
  /// Comings and goings that were not published.
  [[nodiscard]] std::uint64_t untold() const { return untold_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kKinds = 2;  ///< Strangers, and those with a token.

  void leave(const std::string& subscriber);
  /// Whether there is room in `rates` to tell of it.
  [[nodiscard]] bool may_tell(Rates& rates, const PresentStream& stream) const;
  void note_untold(std::size_t n) { untold_.fetch_add(n, std::memory_order_relaxed); }
  /// When the roster has it, if there is one.
  void tell_coming(const std::string& subscriber, const PresentStream& stream);
  void tell_going(const std::string& subscriber, const PresentStream& stream);
  void publish(const std::string& subscriber, const PresentStream& stream, bool is_active);
  [[nodiscard]] journal::Roster::Entries entries() const;
  void tell_again();
  void tell_orphans(const journal::Roster::Entries& entries);

  journal::Journal& journal_;
  const Clock& clock_;
  journal::Roster* roster_ = nullptr;  ///< Null: there is one instance. Set before start.
  Rates comings_;
  Rates goings_;
  std::atomic<std::uint64_t> untold_{0};
  mutable std::mutex mutex_;
  Streams streams_;
  bool is_silent_ = false;
};

}  // namespace sluice::server
