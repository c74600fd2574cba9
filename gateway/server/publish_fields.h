/// Fields and Rules: what a publisher says of an event, and what it takes to be one.
///
/// A form, a query, a JSON object and a block of an event stream all become Fields; the rules are
/// the same for all of them, and stand here alone.
/// Thread  any; plain values.
/// Errors  Errc::invalid, or Errc::limit for what is too long or too many; the message names the
///         field.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/sse/event.h"

namespace sluice::server {

/// One event as it was written; nothing of it is checked yet.
struct Fields {
  std::vector<std::string> topics;  ///< The first is the canonical one.
  std::string data;
  std::string id;
  std::string type;
  std::optional<std::string> retry;  ///< Milliseconds, in digits.
  bool is_private = false;
  std::string key;
  std::optional<std::string> ttl;  ///< Seconds in digits, or "15s", "5m".
};

struct Rules {
  std::string_view epoch;  ///< Ids of this epoch are the gateway's own. Outlives the rules.
  std::size_t max_topics = 100;
  std::size_t max_topic_bytes = 1024;
  std::size_t max_event_bytes = 1'048'576;

  Result<sse::Draft> apply(Fields fields) const;
  /// All of them but topics and data: a query that goes with every event of a request.
  Result<void> check_common(const Fields& fields) const;

 private:
  Result<void> check_topics(const std::vector<std::string>& topics) const;
  Result<void> check_id(std::string_view id) const;
};

inline constexpr std::size_t kMaxName = 256;  ///< Bytes of an id, a type, a key.

Result<std::chrono::milliseconds> parse_retry(std::string_view text);
Result<std::chrono::milliseconds> parse_ttl(std::string_view text);

}  // namespace sluice::server
