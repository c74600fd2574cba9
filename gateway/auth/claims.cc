#include "gateway/auth/claims.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/details.h"
#include "gateway/auth/json.h"
#include "gateway/base/ascii.h"

namespace sluice::auth {
namespace {

constexpr const char* kGrants = "mercure";
constexpr const char* kNamespacedGrants = "https://mercure.rocks/";
constexpr const char* kDetails = "authorization_details";

Result<void> read_string(const Json& object, const char* name, std::string& into) {
  return string_of(object, name, "the token", Errc::denied)
      .map([&](std::optional<std::string>&& value) { into = std::move(value).value_or(""); });
}

/// A NumericDate (RFC 7519 §2): seconds, possibly with a fraction, which is dropped.
Result<void> read_time(const Json& object, const char* name, std::optional<WallTime>& into) {
  const Json* value = find(object, name);
  if (value == nullptr) return {};
  // Within 200 years of 1970 nothing overflows: WallTime counts nanoseconds in 64 bits.
  constexpr double kFar = 200.0 * 365 * 24 * 3600;
  const double seconds = value->is_number() ? value->get<double>() : -1;
  if (!(seconds >= 0) || (value->is_number_float() && !std::isfinite(seconds))) {
    return fail(Errc::denied, fmt::format("\"{}\" of the token is not a time", name));
  }
  into = WallTime(std::chrono::seconds(static_cast<std::int64_t>(std::min(seconds, kFar))));
  return {};
}

/// `aud`: one string, or an array of them (RFC 7519 §4.1.3).
Result<void> read_audience(const Json& object, std::vector<std::string>& into) {
  const Json* value = find(object, "aud");
  if (value == nullptr) return {};
  if (value->is_string()) {
    into = {value->get<std::string>()};
    return {};
  }
  auto texts = strings_of(*value);
  if (!texts) {
    return fail(Errc::denied, "\"aud\" of the token is neither a string nor an array of strings");
  }
  into = std::move(*texts);
  return {};
}

/// A null grants as much as no list does.
Result<void> read_selectors(const Json& grants, const char* name,
                            std::optional<std::vector<std::string>>& into) {
  const Json* value = find(grants, name);
  if (value == nullptr || value->is_null()) return {};
  into = strings_of(*value);
  if (into) return {};
  return fail(Errc::denied,
              fmt::format("\"{}\" in the token's grants is not an array of strings", name));
}

Result<void> read_grants(const Json& json, Claims& claims) {
  const Json* grants = find(json, kNamespacedGrants);
  if (grants == nullptr) grants = find(json, kGrants);
  if (grants == nullptr) return {};
  if (!grants->is_object()) {
    return fail(Errc::denied, "the token's \"mercure\" claim is not an object");
  }
  const Json* payload = find(*grants, "payload");
  if (payload != nullptr && !payload->is_null()) claims.payload = text_of(*payload);
  return read_selectors(*grants, "publish", claims.publish).and_then([&] {
    return read_selectors(*grants, "subscribe", claims.subscribe);
  });
}

Result<void> read_who(const Json& json, Claims& claims) {
  return read_string(json, "iss", claims.issuer)
      .and_then([&] { return read_audience(json, claims.audience); })
      .and_then([&] { return read_string(json, "sub", claims.subject); })
      .and_then([&] { return read_string(json, "client_id", claims.client_id); })
      .and_then([&] { return read_string(json, "jti", claims.token_id); });
}

Result<void> read_when(const Json& json, Claims& claims) {
  return read_time(json, "exp", claims.expires)
      .and_then([&] { return read_time(json, "nbf", claims.not_before); })
      .and_then([&] { return read_time(json, "iat", claims.issued); });
}

Result<void> read_what(const Json& json, Claims& claims) {
  const Json* details = find(json, kDetails);
  if (details == nullptr) return read_grants(json, claims);
  return parse_details(*details).map(
      [&](std::vector<Detail>&& parsed) { claims.details = std::move(parsed); });
}

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json grants_json(const Claims& claims) {
  Json grants = Json::object();
  if (claims.publish) grants["publish"] = *claims.publish;
  if (claims.subscribe) grants["subscribe"] = *claims.subscribe;
  if (!claims.payload.empty()) grants["payload"] = Json::parse(claims.payload, nullptr, false);
  return grants;
}

void add_time(Json& json, const char* name, const std::optional<WallTime>& time) {
  if (time) json[name] = unix_seconds(*time);
}
void add_text(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}

std::vector<Grant> as_grants(const std::optional<std::vector<std::string>>& selectors) {
  std::vector<Grant> grants;
  if (!selectors) return grants;
  for (const std::string& text : *selectors) grants.push_back({MatchType::selector, text, ""});
  return grants;
}

}  // namespace

bool Header::is_access_token() const {
  return equals_ignoring_case(type, "at+jwt") || equals_ignoring_case(type, "application/at+jwt");
}

Result<Header> parse_header(std::string_view json) {
  constexpr std::string_view kWhat = "the header of the token";
  const auto object = parse_object(json, kWhat, Errc::denied);
  if (!object) return tl::unexpected(object.error());
  if (object->contains("crit")) {
    return fail(Errc::denied, "the token asks for an extension (\"crit\") that is not supported");
  }
  auto algorithm = string_of(*object, "alg", kWhat, Errc::denied);
  if (!algorithm) return tl::unexpected(algorithm.error());
  if (!*algorithm) return fail(Errc::denied, "the header of the token has no \"alg\"");
  auto id = string_of(*object, "kid", kWhat, Errc::denied);
  if (!id) return tl::unexpected(id.error());
  auto type = string_of(*object, "typ", kWhat, Errc::denied);
  if (!type) return tl::unexpected(type.error());
  return Header{.algorithm = std::move(**algorithm),
                .id = std::move(*id),
                .type = std::move(*type).value_or("")};
}

Result<Claims> parse_claims(std::string_view json) {
  const auto object = parse_object(json, "the payload of the token", Errc::denied);
  if (!object) return tl::unexpected(object.error());
  Claims claims;
  return read_when(*object, claims)
      .and_then([&] { return read_who(*object, claims); })
      .and_then([&] { return read_what(*object, claims); })
      .map([&] { return std::move(claims); });
}

Result<std::string> parse_payload(std::string_view json) {
  // As the member of an object it is held to the rules that a token's payload is held to.
  auto object = parse_object(fmt::format("{{\"payload\":{}}}", json), "the payload", Errc::invalid);
  if (!object || object->size() != 1) return fail(Errc::invalid, "the payload is not JSON");
  return text_of((*object)["payload"]);
}

std::string header_json(const Header& header) {
  Json json{{"alg", header.algorithm}};
  add_text(json, "typ", header.type);
  if (header.id) json["kid"] = *header.id;
  return text_of(json);
}

std::string claims_json(const Claims& claims) {
  Json json = Json::object();
  if (claims.details) {
    json[kDetails] = details_json(*claims.details);
  } else if (claims.publish || claims.subscribe || !claims.payload.empty()) {
    json[kGrants] = grants_json(claims);
  }
  add_time(json, "exp", claims.expires);
  add_time(json, "nbf", claims.not_before);
  add_time(json, "iat", claims.issued);
  add_text(json, "iss", claims.issuer);
  if (claims.audience.size() == 1) json["aud"] = claims.audience.front();
  if (claims.audience.size() > 1) json["aud"] = claims.audience;
  add_text(json, "sub", claims.subject);
  add_text(json, "client_id", claims.client_id);
  add_text(json, "jti", claims.token_id);
  for (const OtherClaim& other : claims.others) {
    if (!is_own_claim(other.name)) json[other.name] = Json::parse(other.json, nullptr, false);
  }
  return text_of(json);
}

bool is_own_claim(std::string_view name) {
  constexpr std::array<std::string_view, 11> kOwn{
      "exp",   "nbf", "iat", "iss", "aud", "sub", "client_id", "jti", kGrants, kNamespacedGrants,
      kDetails};
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

std::string json_of_text(std::string_view text) {
  return text_of(Json(text));
}

std::vector<std::string> selector_texts(const std::vector<Grant>& grants) {
  std::vector<std::string> texts;
  for (const Grant& grant : grants) {
    const bool is_plain_text =
        grant.type == MatchType::exact && grant.match.find('{') == grant.match.npos;
    if (grant.type == MatchType::selector || grant.match == "*" || is_plain_text) {
      texts.push_back(grant.match);
    }
  }
  return texts;
}

Grants grants_of(const Claims& claims) {
  Grants grants;
  grants.issued = claims.issued;
  grants.subject = claims.subject;
  grants.token_id = claims.token_id;
  grants.is_v1 = claims.details.has_value();
  if (!claims.details) {
    grants.publish = as_grants(claims.publish);
    grants.subscribe = as_grants(claims.subscribe);
    grants.may_publish = claims.publish.has_value();
    grants.may_subscribe = claims.subscribe.has_value();
    grants.payload = claims.payload;
    return grants;
  }
  for (const Detail& detail : *claims.details) {
    grants.may_publish |= detail.publish;
    grants.may_subscribe |= detail.subscribe;
    for (const Grant& topic : detail.topics) {
      if (detail.publish) grants.publish.push_back(topic);
      if (detail.subscribe) grants.subscribe.push_back(topic);
    }
  }
  return grants;
}

}  // namespace sluice::auth
