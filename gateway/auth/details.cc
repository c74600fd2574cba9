#include "gateway/auth/details.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace sluice::auth {
namespace {

constexpr const char* kType = "https://mercure.rocks/authorization-detail";
constexpr std::size_t kMaxMatchers = 1000;

tl::unexpected<Error> malformed(std::string_view why) {
  return fail(Errc::denied, fmt::format("the token's \"authorization_details\": {}", why));
}

Result<MatchType> parse_match_type(const Json& topic) {
  const Json* type = find(topic, "match_type");
  if (type == nullptr || *type == "exact") return MatchType::exact;
  if (*type == "urlpattern") return MatchType::urlpattern;
  return malformed("a \"match_type\" is neither \"exact\" nor \"urlpattern\"");
}

Result<Grant> parse_topic(const Json& topic) {
  if (!topic.is_object()) return malformed("one of \"topics\" is not an object");
  const Json* match = find(topic, "match");
  if (match == nullptr || !match->is_string() || match->get_ref<const std::string&>().empty()) {
    return malformed("one of \"topics\" has no \"match\"");
  }
  return parse_match_type(topic).map([&](MatchType type) {
    return Grant{type, match->get<std::string>(), ""};
  });
}

Result<Detail> parse_detail(const Json& json) {
  Detail detail;
  const Json* actions = find(json, "actions");
  const auto names = actions == nullptr ? std::nullopt : strings_of(*actions);
  if (!names) return malformed("\"actions\" is not an array of strings");
  const auto has = [&](const char* name) {
    return std::find(names->begin(), names->end(), name) != names->end();
  };
  detail.publish = has("publish");
  detail.subscribe = has("subscribe");
  const Json* topics = find(json, "topics");
  if (topics == nullptr || !topics->is_array()) return malformed("\"topics\" is not an array");
  const Json* payload = find(json, "payload");
  for (const Json& topic : *topics) {
    auto grant = parse_topic(topic);
    if (!grant) return tl::unexpected(grant.error());
    if (payload != nullptr && !payload->is_null()) grant->payload = text_of(*payload);
    detail.topics.push_back(std::move(*grant));
  }
  return detail;
}

}  // namespace

Result<std::vector<Detail>> parse_details(const Json& details) {
  if (!details.is_array()) return malformed("it is not an array");
  std::vector<Detail> parsed;
  std::size_t matchers = 0;
  for (const Json& json : details) {
    const Json* type = json.is_object() ? find(json, "type") : nullptr;
    if (type == nullptr || !type->is_string()) return malformed("one of them has no \"type\"");
    if (*type != kType) continue;
    auto detail = parse_detail(json);
    if (!detail) return tl::unexpected(detail.error());
    matchers += detail->topics.size();
    if (matchers > kMaxMatchers) {
      return malformed(fmt::format("more than {} matchers", kMaxMatchers));
    }
    parsed.push_back(std::move(*detail));
  }
  return parsed;
}

Json details_json(const std::vector<Detail>& details) {
  Json array = Json::array();
  for (const Detail& detail : details) {
    Json json{{"type", kType}, {"actions", Json::array()}, {"topics", Json::array()}};
    if (detail.publish) json["actions"].push_back("publish");
    if (detail.subscribe) json["actions"].push_back("subscribe");
    for (const Grant& topic : detail.topics) {
      const bool is_pattern = topic.type == MatchType::urlpattern;
      json["topics"].push_back(
          {{"match", topic.match}, {"match_type", is_pattern ? "urlpattern" : "exact"}});
      if (!topic.payload.empty()) json["payload"] = Json::parse(topic.payload, nullptr, false);
    }
    array.push_back(std::move(json));
  }
  return array;
}

}  // namespace sluice::auth
