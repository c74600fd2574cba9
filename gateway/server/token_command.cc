#include "gateway/server/token_command.h"

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/auth/token.h"
#include "gateway/base/base64.h"
#include "gateway/base/random.h"

namespace sluice::server {
namespace {

constexpr std::string_view kPattern = "urlpattern:";

Result<auth::Key> key_of(const TokenCommand& command, std::string_view text) {
  std::optional<auth::Algorithm> algorithm;
  if (!command.algorithm.empty()) {
    const auto named = auth::parse_algorithm(command.algorithm);
    if (!named) return tl::unexpected(named.error());
    algorithm = *named;
  }
  auto key = auth::is_pem(text)
                 ? auth::Key::of_pem(algorithm, text)
                 : auth::Key::of_secret(algorithm.value_or(auth::Algorithm::hs256), text);
  if (!key) return fail(Errc::invalid, fmt::format("{}: {}", command.key_file, key.error().what));
  key->id = command.key_id;
  return key;
}

/// The option that sets a claim of the hub's own.
std::string_view option_for(std::string_view name) {
  if (name == "sub") return "--subject";
  if (name == "iss") return "--issuer";
  if (name == "aud") return "--audience";
  if (name == "exp") return "--ttl";
  if (name == "mercure" || name == "https://mercure.rocks/") return "--publish and --subscribe";
  return name == "authorization_details" ? "--details" : std::string_view();
}

/// "tenant=a", "level:=3"
Result<auth::OtherClaim> claim_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  const bool is_json = equals != text.npos && equals > 0 && text[equals - 1] == ':';
  const std::string_view name = text.substr(0, equals - (is_json ? 1 : 0));
  if (equals == text.npos || name.empty()) {
    return fail(Errc::invalid, fmt::format("--claim {}: must be NAME=TEXT or NAME:=JSON, as in "
                                           "tenant=a or level:=3",
                                           text));
  }
  if (auth::is_own_claim(name)) {
    const std::string_view option = option_for(name);
    return fail(Errc::invalid,
                fmt::format("--claim {}: {}", text,
                            option.empty() ? fmt::format("\"{}\" is set by the command", name)
                                           : fmt::format("use {} for it", option)));
  }
  const std::string_view value = text.substr(equals + 1);
  if (!is_json) return auth::OtherClaim{std::string(name), auth::json_of_text(value)};
  auto json = auth::parse_payload(value);
  if (!json) {
    return fail(Errc::invalid,
                fmt::format("--claim {}: what stands behind := is not JSON; a text is "
                            "given as {}={}",
                            text, name, value));
  }
  return auth::OtherClaim{std::string(name), std::move(*json)};
}

/// One detail per action, so that each has topics of its own.
auth::Detail detail_of(const std::vector<std::string>& topics, const std::string& payload) {
  auth::Detail detail;
  for (const std::string& topic : topics) {
    const bool is_pattern = topic.starts_with(kPattern);
    detail.topics.push_back(
        {.type = is_pattern ? auth::MatchType::urlpattern : auth::MatchType::exact,
         .match = is_pattern ? topic.substr(kPattern.size()) : topic,
         .payload = payload});
  }
  return detail;
}

void add_details(const TokenCommand& command, const std::string& payload, auth::Claims& claims) {
  claims.details.emplace();
  if (!command.publish.empty()) {
    claims.details->push_back(detail_of(command.publish, ""));
    claims.details->back().publish = true;
  }
  if (!command.subscribe.empty()) {
    claims.details->push_back(detail_of(command.subscribe, payload));
    claims.details->back().subscribe = true;
  }
  claims.client_id = command.subject.empty() ? "sluice" : command.subject;
}

}  // namespace

Result<std::string> make_token(const TokenCommand& command, std::string_view key, WallTime now) {
  auth::Claims claims;
  if (!command.payload.empty()) {
    auto payload = auth::parse_payload(command.payload);
    if (!payload) return fail(Errc::invalid, "--payload: " + payload.error().what);
    claims.payload = std::move(*payload);
  }
  for (const std::string& text : command.claims) {
    auto claim = claim_of(text);
    if (!claim) return tl::unexpected(claim.error());
    claims.others.push_back(std::move(*claim));
  }
  claims.issued = now;
  claims.expires = now + command.ttl;
  claims.issuer = command.issuer;
  claims.audience = command.audience;
  claims.subject = command.subject;
  claims.token_id = base64url_encode(secret_bytes(12));
  if (command.details) {
    add_details(command, claims.payload, claims);
  } else {
    if (!command.publish.empty()) claims.publish = command.publish;
    if (!command.subscribe.empty()) claims.subscribe = command.subscribe;
  }
  return key_of(command, key).and_then([&](const auth::Key& good) {
    return auth::mint(good, claims);
  });
}

}  // namespace sluice::server
