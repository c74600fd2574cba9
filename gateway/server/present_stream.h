/// PresentStream: one stream of those that Presence tells of, and its forms: a path, JSON for
/// clients, and an entry for the other instances.
///
/// Thread  any; plain values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::server {

/// One selector of a stream.
struct ActiveSubscription {
  bool is_v1 = false;
  std::string match_type = {};  ///< 1.0: "exact" or "urlpattern".
  std::string match = {};       ///< The selector.
  /// JSON that the token carries; null: none. Selectors share it.
  std::shared_ptr<const std::string> payload = {};
};

struct PresentStream {
  std::shared_ptr<const std::vector<ActiveSubscription>> subscriptions;
  bool is_stranger = false;  ///< It came without a token.
  bool is_told = false;      ///< Of its coming.
};

/// "/.well-known/mercure/subscriptions/…" of one.
[[nodiscard]] std::string subscription_path(const std::string& subscriber,
                                            const ActiveSubscription& subscription);
/// The JSON object of one. `context`: with its own "@context", which 0.x wants of an object that
/// stands alone. `last_event_id`: empty: none.
[[nodiscard]] std::string subscription_json(const std::string& subscriber,
                                            const ActiveSubscription& subscription, bool is_active,
                                            bool context, const std::string& last_event_id = {});

/// As it stands in the roster.
[[nodiscard]] std::string to_entry(const PresentStream& stream);
/// None: it was not written by to_entry().
[[nodiscard]] std::optional<PresentStream> from_entry(const std::string& entry);

}  // namespace sluice::server
