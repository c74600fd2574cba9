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
