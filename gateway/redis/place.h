/// Place: where a server is, and how configurations and servers write it.
///
/// Thread  any; plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::redis {

struct Place {
  std::string host;  ///< A name, or an address without brackets.
  std::uint16_t port = 0;

  friend bool operator==(const Place&, const Place&) = default;
  /// "10.0.0.1:6379", "[::1]:6379".
  [[nodiscard]] std::string text() const;
};

/// "10.0.0.1:26379", "[::1]:26379", "sentinel.example"; `port` where it has none. Errc::invalid
/// with a sentence that says what would be right.
Result<Place> parse_place(std::string_view text, std::uint16_t port);

/// Of "MOVED 3999 10.0.0.1:6379", with which a node of a cluster refuses what belongs elsewhere.
/// None: it is another refusal, or names nobody. Where a node does not know hosts, it is its own.
std::optional<Place> moved_to(std::string_view refusal, const Place& node);

/// The slot is on its way elsewhere: the node is the right one to ask, for as long as it says so.
bool is_on_its_way(std::string_view refusal);

/// What a node of a cluster refuses for a while, as a sentence that says what to do; another
/// refusal as it is.
std::string explain_refusal(std::string_view refusal);

}  // namespace sluice::redis
