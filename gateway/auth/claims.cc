#include "gateway/auth/claims.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::auth {
namespace {

using Json = nlohmann::json;

constexpr const char* kGrants = "mercure";
constexpr const char* kNamespacedGrants = "https://mercure.rocks/";

/// A JSON object in which no name occurs twice: of two parties that read such a token differently,
/// one is deceived (RFC 7519 §4).
Result<Json> parse_object(std::string_view text, std::string_view what) {
  std::vector<std::set<std::string>> names;
  bool is_repeated = false;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key) {
      is_repeated |= !names.back().insert(value.get<std::string>()).second;
    }
    return true;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) {
    return fail(Errc::denied, fmt::format("the {} of the token is not a JSON object", what));
  }
  if (is_repeated) {
    return fail(Errc::denied, fmt::format("the {} of the token has a name twice", what));
  }
  return json;
}

/// Absent and null are alike.
const Json* find(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

Result<std::optional<std::string>> string_of(const Json& object, const char* name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    return fail(Errc::denied, fmt::format("\"{}\" of the token is not a string", name));
  }
  return value->get<std::string>();
}

/// A NumericDate (RFC 7519 §2): seconds, possibly with a fraction, which is dropped.
Result<std::optional<WallTime>> time_of(const Json& object, const char* name) {
  const Json* value = find(object, name);
  if (value == nullptr) return std::nullopt;
  // Within 200 years of 1970 nothing overflows: WallTime counts nanoseconds in 64 bits.
  constexpr double kFar = 200.0 * 365 * 24 * 3600;
  const double seconds = value->is_number() ? value->get<double>() : -1;
  if (!(seconds >= 0) || (value->is_number_float() && !std::isfinite(seconds))) {
    return fail(Errc::denied, fmt::format("\"{}\" of the token is not a time", name));
  }
  return WallTime(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, kFar))));
}

Result<std::optional<std::vector<std::string>>> selectors_of(const Json& grants, const char* name) {
  const Json* value = find(grants, name);
  if (value == nullptr) return std::nullopt;
  const auto wrong = [&] {
    return fail(Errc::denied,
                fmt::format("\"{}\" in the token's grants is not an array of strings", name));
  };
  if (!value->is_array()) return wrong();
  std::vector<std::string> selectors;
  for (const Json& selector : *value) {
    if (!selector.is_string()) return wrong();
    selectors.push_back(selector.get<std::string>());
  }
  return selectors;
}

Result<void> read_grants(const Json& json, Claims& claims) {
  const Json* grants = find(json, kNamespacedGrants);
  if (grants == nullptr) grants = find(json, kGrants);
  if (grants == nullptr) return {};
  if (!grants->is_object()) {
    return fail(Errc::denied, "the token's \"mercure\" claim is not an object");
  }
  auto publish = selectors_of(*grants, "publish");
  if (!publish) return tl::unexpected(publish.error());
  auto subscribe = selectors_of(*grants, "subscribe");
  if (!subscribe) return tl::unexpected(subscribe.error());
  claims.publish = std::move(*publish);
  claims.subscribe = std::move(*subscribe);
  return {};
}

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

Result<Header> parse_header(std::string_view json) {
  const auto object = parse_object(json, "header");
  if (!object) return tl::unexpected(object.error());
  if (object->contains("crit")) {
    return fail(Errc::denied, "the token asks for an extension (\"crit\") that is not supported");
  }
  auto algorithm = string_of(*object, "alg");
  if (!algorithm) return tl::unexpected(algorithm.error());
  if (!*algorithm) return fail(Errc::denied, "the header of the token has no \"alg\"");
  auto id = string_of(*object, "kid");
  if (!id) return tl::unexpected(id.error());
  return Header{.algorithm = std::move(**algorithm), .id = std::move(*id)};
}

Result<Claims> parse_claims(std::string_view json) {
  const auto object = parse_object(json, "payload");
  if (!object) return tl::unexpected(object.error());
  const auto expires = time_of(*object, "exp");
  if (!expires) return tl::unexpected(expires.error());
  const auto not_before = time_of(*object, "nbf");
  if (!not_before) return tl::unexpected(not_before.error());
  const auto subject = string_of(*object, "sub");
  if (!subject) return tl::unexpected(subject.error());
  Claims claims;
  claims.expires = *expires;
  claims.not_before = *not_before;
  claims.subject = subject->value_or("");
  return read_grants(*object, claims).map([&] { return std::move(claims); });
}

std::string header_json(const Header& header) {
  Json json{{"alg", header.algorithm}, {"typ", "JWT"}};
  if (header.id) json["kid"] = *header.id;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string claims_json(const Claims& claims) {
  Json grants = Json::object();
  if (claims.publish) grants["publish"] = *claims.publish;
  if (claims.subscribe) grants["subscribe"] = *claims.subscribe;
  Json json{{kGrants, std::move(grants)}};
  if (claims.expires) json["exp"] = unix_seconds(*claims.expires);
  if (claims.not_before) json["nbf"] = unix_seconds(*claims.not_before);
  if (!claims.subject.empty()) json["sub"] = claims.subject;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice::auth
