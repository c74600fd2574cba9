/// Presence: who is subscribed to what, in all workers (Mercure, "active subscriptions").
///
/// A stream is *present* once for each of its selectors, under a name of its own that nobody can
/// choose. Coming and going are published as private events, below the hub's path; the list is
/// served by SubscriptionApi.
///
///   0.x  topic  PATH/subscriptions/{topic}/{subscriber}               JSON-LD
///   1.0  topic  PATH/subscriptions/{match_type}/{match}/{subscriber}  JSON, `event: mercure`
///
/// Owner   server::Shared, when it is turned on. Thread  any, under a mutex: once per stream.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/journal/journal.h"

namespace sluice::server {

/// One selector of a stream.
struct ActiveSubscription {
  bool is_v1 = false;
  std::string match_type;  ///< 1.0: "exact" or "urlpattern".
  std::string match;       ///< The selector.
  std::string payload;     ///< JSON that the token carries; empty: none.
};

class Presence {
 public:
  using Subscriptions = std::vector<ActiveSubscription>;

  explicit Presence(journal::Journal& journal) : journal_(journal) {}
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

  std::unique_ptr<Lease> enter(Subscriptions subscriptions);
  /// No more is published: the process ends, and all streams with it.
  void fall_silent();

  /// Calls `visit` for each of that version, in an order that stays.
  using Visit = std::function<void(const std::string& subscriber, const ActiveSubscription&)>;
  void for_each(bool is_v1, const Visit& visit) const;
  [[nodiscard]] std::size_t size() const;

 private:
  void leave(const std::string& subscriber);
  void publish(const std::string& subscriber, const Subscriptions& subscriptions, bool is_active);

  journal::Journal& journal_;
  mutable std::mutex mutex_;
  std::map<std::string, Subscriptions> streams_;  ///< By subscriber.
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
