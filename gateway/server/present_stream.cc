#include "gateway/server/present_stream.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "gateway/http/uri.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {

using Json = nlohmann::ordered_json;

Json parsed(const std::string& payload) {
  return Json::parse(payload, nullptr, /*allow_exceptions=*/false);
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool flag(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

std::string word(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string subscription_path(const std::string& subscriber,
                              const ActiveSubscription& subscription) {
  std::string path = std::string(kSubscriptionsPath) + '/';
  if (subscription.is_v1) path += http::percent_encode(subscription.match_type) + '/';
  return path + http::percent_encode(subscription.match) + '/' + http::percent_encode(subscriber);
}

std::string subscription_json(const std::string& subscriber, const ActiveSubscription& subscription,
                              bool is_active, bool context, const std::string& last_event_id) {
  Json json;
  if (context && !subscription.is_v1) json["@context"] = kMercureContext;
  json["id"] = subscription_path(subscriber, subscription);
  json["type"] = subscription.is_v1 ? "subscription" : "Subscription";
  if (subscription.is_v1) {
    json["match"] = subscription.match;
    json["match_type"] = subscription.match_type;
  } else {
    json["topic"] = subscription.match;
  }
  json["subscriber"] = subscriber;
  json["active"] = is_active;
  if (subscription.payload) json["payload"] = parsed(*subscription.payload);
  if (!last_event_id.empty()) json["lastEventID"] = last_event_id;
  return text_of(json);
}

std::string to_entry(const PresentStream& stream) {
  Json json{{"stranger", stream.is_stranger}, {"told", stream.is_told}};
  Json& all = json["subscriptions"] = Json::array();
  for (const ActiveSubscription& each : *stream.subscriptions) {
    Json one{{"match", each.match}};
    if (each.is_v1) one["match_type"] = each.match_type;
    if (each.payload) one["payload"] = *each.payload;
    all.push_back(std::move(one));
  }
  return text_of(json);
}

std::optional<PresentStream> from_entry(const std::string& entry) {
  const Json json = parsed(entry);
  if (!json.is_object() || !json.contains("subscriptions")) return std::nullopt;
  std::vector<ActiveSubscription> subscriptions;
  std::shared_ptr<const std::string> payload;  // Nearly always the same for all.
  for (const Json& one : json["subscriptions"]) {
    if (!one.is_object()) return std::nullopt;
    if (one.contains("payload") && (!payload || *payload != word(one, "payload"))) {
      payload = std::make_shared<const std::string>(word(one, "payload"));
    }
    subscriptions.push_back({.is_v1 = one.contains("match_type"),
                             .match_type = word(one, "match_type"),
                             .match = word(one, "match"),
                             .payload = one.contains("payload") ? payload : nullptr});
  }
  return PresentStream{.subscriptions = std::make_shared<const std::vector<ActiveSubscription>>(
                           std::move(subscriptions)),
                       .is_stranger = flag(json, "stranger"),
                       .is_told = flag(json, "told")};
}

}  // namespace sluice::server
