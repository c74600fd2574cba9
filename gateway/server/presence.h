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
#include "gateway/journal/journal.h"
#include "gateway/server/rates.h"

namespace sluice::server {

/// Of comings, of goings, and of both once more of streams without a token. Four buckets full are a
/// small part of a history of the usual size, and fill it in some minutes, not in a second.
struct PresenceOptions {
  std::size_t per_second = 100;  ///< 0: no limit.
  std::size_t burst = 2'000;     ///< At once, after a pause.
};

/// One selector of a stream.
struct ActiveSubscription {
  bool is_v1 = false;
  std::string match_type = {};  ///< 1.0: "exact" or "urlpattern".
  std::string match = {};       ///< The selector.
  /// JSON that the token carries; null: none. Selectors share it.
  std::shared_ptr<const std::string> payload = {};
};

class Presence {
 public:
  using Subscriptions = std::vector<ActiveSubscription>;

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
  std::unique_ptr<Lease> enter(Subscriptions subscriptions, bool is_stranger);
  /// No more is published: the process ends, and all streams with it.
  void fall_silent();

  /// Calls `visit` for each of that version, in an order that stays.
  using Visit = std::function<void(const std::string& subscriber, const ActiveSubscription&)>;
  void for_each(bool is_v1, const Visit& visit) const;
  [[nodiscard]] std::size_t size() const;
  /// Comings and goings that were not published.
  [[nodiscard]] std::uint64_t untold() const { return untold_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kKinds = 2;  ///< Strangers, and those with a token.

  struct Stream {
    std::shared_ptr<const Subscriptions> subscriptions;
    bool is_stranger = false;
    bool is_told = false;  ///< Of its coming.
  };

  void leave(const std::string& subscriber);
  /// Whether there is room in `rates` to tell of it.
  [[nodiscard]] bool may_tell(Rates& rates, const Stream& stream) const;
  void note_untold(std::size_t n) { untold_.fetch_add(n, std::memory_order_relaxed); }
  void publish(const std::string& subscriber, const Subscriptions& subscriptions, bool is_active);

  journal::Journal& journal_;
  const Clock& clock_;
  Rates comings_;
  Rates goings_;
  std::atomic<std::uint64_t> untold_{0};
  mutable std::mutex mutex_;
  std::map<std::string, Stream> streams_;  ///< By subscriber.
  bool is_silent_ = false;
};

/// "/.well-known/mercure/subscriptions/…" of one.
[[nodiscard]] std::string subscription_path(const std::string& subscriber,
                                            const ActiveSubscription& subscription);
/// The JSON object of one. `context`: with its own "@context", which 0.x wants of an object that
/// stands alone. `last_event_id`: empty: none.
[[nodiscard]] std::string subscription_json(const std::string& subscriber,
                                            const ActiveSubscription& subscription, bool is_active,
                                            bool context, const std::string& last_event_id = {});

}  // namespace sluice::server
