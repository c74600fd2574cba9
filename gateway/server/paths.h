/// The paths that the gateway answers on, and names of the Mercure protocol.
#pragma once

#include <string_view>

namespace sluice::server {

inline constexpr std::string_view kHubPath = "/.well-known/mercure";
inline constexpr std::string_view kSubscriptionsPath = "/.well-known/mercure/subscriptions";
/// RFC 9728 §3.1: the well-known part stands before the resource's path.
inline constexpr std::string_view kMetadataPath =
    "/.well-known/oauth-protected-resource/.well-known/mercure";
inline constexpr std::string_view kAllEventsPath = "/events";
inline constexpr std::string_view kEventsPath = "/events/";
inline constexpr std::string_view kMercureContext = "https://mercure.rocks/";

}  // namespace sluice::server
