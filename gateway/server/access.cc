#include "gateway/server/access.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/ascii.h"
#include "gateway/http/cookie.h"
#include "gateway/server/paths.h"

namespace sluice::server {
namespace {

/// Set on a browser whose stream a cookie has opened, so that a reconnect without that cookie is
/// recognised for what it is: a login that has run out, not an anonymous visitor.
constexpr std::string_view kMark = "sluice_signed_in";
constexpr std::string_view kNotInQuery = "a token of Mercure 1.0 does not belong into the query";

constexpr std::string_view kBearer = "Bearer";

bool begins_with_bearer(std::string_view text) {
  return starts_with_ignoring_case(text, kBearer) &&
         (text.size() == kBearer.size() || text[kBearer.size()] == ' ');
}

/// Empty when the scheme is there and nothing behind it; none for other schemes.
std::optional<std::string_view> bearer_token(const http::Headers& headers) {
  const std::string* field = headers.find("authorization");
  if (field == nullptr || !begins_with_bearer(*field)) return std::nullopt;
  std::string_view token = *field;
  token.remove_prefix(kBearer.size());
  while (!token.empty() && token.front() == ' ') token.remove_prefix(1);
  return token;
}

std::string mark_cookie(const http::Request& request, bool is_set) {
  // Only over TLS may a cookie go along with requests of other sites.
  const std::string_view site =
      request.scheme == "https" ? "SameSite=None; Secure" : "SameSite=Lax";
  return fmt::format("{}={}; Path=/; HttpOnly; {}{}", kMark, is_set ? "1" : "", site,
                     is_set ? "" : "; Max-Age=0");
}

/// The origin of `https://a.example/page?x`, which a `referer` is.
std::string_view origin_of(std::string_view url) {
  const std::size_t host = url.find("://");
  if (host == url.npos) return {};
  return url.substr(0, url.find('/', host + 3));
}

/// What stands in a quoted string (RFC 9110 §5.6.4).
std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 256;  // Some of it are a client's own words.
  std::string safe;
  for (const char c : text.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    safe += c == '"' || c == '\\' ? '\'' : byte < 0x20 || byte >= 0x7f ? '?' : c;
  }
  return safe;
}

}  // namespace

Access::Found Access::find(const http::Request& request, const http::Form& query) const {
  if (const auto token = bearer_token(request.headers)) return {Carrier::header, *token};
  if (const std::string* token = http::first(query, "authorization"); token && !token->empty()) {
    return {Carrier::query, *token};
  }
  for (const auto& [name, other] :
       {std::pair(&options_.cookie, Mercure::v1), std::pair(&options_.cookie_v1, Mercure::v0)}) {
    if (options_.protocol == other) continue;
    const auto token = http::cookie(request.headers, *name);
    if (token && !token->empty()) return {Carrier::cookie, *token};
  }
  return {};
}

tl::expected<Bearer, Denial> Access::verify(const Found& found,
                                            const auth::Verifier& verifier) const {
  if (found.token.empty()) {
    return tl::unexpected(Denial{400, "there is no token behind \"Bearer\"", "invalid_request"});
  }
  const WallTime now = clock_.wall();
  auto grants = verifier.verify(found.token, now);
  if (!grants) {
    const bool is_expired = grants.error().code == Errc::expired;
    return tl::unexpected(Denial{401, grants.error().what, "invalid_token",
                                 is_expired && found.carrier != Carrier::header});
  }
  if (subjects_.is_revoked(grants->subject, grants->issued, now)) {
    return tl::unexpected(Denial{401, "the token has been revoked", "invalid_token"});
  }
  Bearer bearer{.carrier = found.carrier,
                .grants = std::move(*grants),
                .fingerprint = std::hash<std::string_view>()(found.token)};
  if (bearer.grants.expires) {
    bearer.ends = clock_.now() + std::chrono::duration_cast<Duration>(*bearer.grants.expires - now);
  }
  return bearer;
}

/// Of Mercure: which tokens are of the version that is spoken, and where they may stand.
std::optional<Denial> Access::check_version(const Found& found, bool is_v1) const {
  if (is_v1 && found.carrier == Carrier::query) {
    return Denial{400, std::string(kNotInQuery), "invalid_request"};
  }
  if (options_.protocol != (is_v1 ? Mercure::v0 : Mercure::v1)) return std::nullopt;
  return Denial{
      401,
      fmt::format("the token is of Mercure {}, which is not spoken here", is_v1 ? "1.0" : "0.x"),
      "invalid_token"};
}

tl::expected<Bearer, Denial> Access::verify_mercure(const Found& found,
                                                    const auth::Verifier& verifier) const {
  if (found.carrier == Carrier::query && options_.protocol == Mercure::v1 && !found.token.empty()) {
    return tl::unexpected(Denial{400, std::string(kNotInQuery), "invalid_request"});
  }
  auto bearer = verify(found, verifier);
  if (!bearer) return bearer;
  if (auto denial = check_version(found, bearer->grants.is_v1)) {
    return tl::unexpected(std::move(*denial));
  }
  return bearer;
}

tl::expected<Bearer, Denial> Access::relayed(const http::Request& request, const http::Form& query,
                                             const auth::Verifier& verifier) const {
  const Found found = find(request, query);
  if (found.carrier == Carrier::none) return Bearer{};
  auto bearer = verify(found, verifier);
  if (!bearer) {
    bearer.error().park &= options_.expired_token == Fallback::park;
    return bearer;
  }
  bearer->token = found.token;
  return bearer;
}

std::vector<std::string_view> Access::cookies() const {
  std::vector<std::string_view> names;
  if (options_.protocol != Mercure::v1) names.emplace_back(options_.cookie);
  if (options_.protocol != Mercure::v0) names.emplace_back(options_.cookie_v1);
  return names;
}

std::string Access::carriers(bool by_query) const {
  return fmt::format("authorization: Bearer TOKEN, {}or the cookie {}",
                     by_query ? "?authorization=TOKEN in the query, " : "",
                     fmt::join(cookies(), " or "));
}

tl::expected<Bearer, Denial> Access::subscriber(const http::Request& request,
                                                const http::Form& query, bool is_reconnect) const {
  const Found found = find(request, query);
  if (found.carrier == Carrier::none) return without_token(request, is_reconnect);
  auto bearer = verify_mercure(found, subscribers_);
  if (!bearer) {
    return bearer.error().park ? fall_back(options_.expired_token, std::move(bearer.error()))
                               : bearer;
  }
  const bool is_marked = http::cookie(request.headers, kMark).has_value();
  if (found.carrier == Carrier::cookie && !is_marked &&
      options_.lost_token != Fallback::anonymous) {
    bearer->set_cookie = mark_cookie(request, true);
  }
  return bearer;
}

tl::expected<Bearer, Denial> Access::without_token(const http::Request& request,
                                                   bool is_reconnect) const {
  const bool is_marked = http::cookie(request.headers, kMark).has_value();
  if (is_marked && is_reconnect && options_.lost_token != Fallback::anonymous) {
    return fall_back(options_.lost_token,
                     {401, "the cookie with the token has gone", "invalid_token", true});
  }
  if (!options_.anonymous) {
    return tl::unexpected(
        Denial{401,
               "a token is needed to subscribe here: " + carriers(options_.protocol != Mercure::v1),
               {}});
  }
  Bearer bearer;
  if (is_marked && !is_reconnect) bearer.set_cookie = mark_cookie(request, false);
  return bearer;
}

tl::expected<Bearer, Denial> Access::fall_back(Fallback fallback, Denial denial) const {
  if (fallback == Fallback::anonymous && options_.anonymous) return Bearer{};
  denial.park = fallback == Fallback::park;
  return tl::unexpected(std::move(denial));
}

tl::expected<Bearer, Denial> Access::publisher(const http::Request& request,
                                               const http::Form& query) const {
  const Found found = find(request, query);
  if (found.carrier == Carrier::none) {
    return tl::unexpected(
        Denial{401, "a token is needed to publish: authorization: Bearer TOKEN", {}});
  }
  auto bearer = verify_mercure(found, publishers_);
  if (!bearer) {
    bearer.error().park = false;
    return bearer;
  }
  if (found.carrier == Carrier::cookie && !may_publish_from(request)) {
    return tl::unexpected(Denial{400,
                                 "publishing with a cookie needs an origin that is allowed to: "
                                 "hub.publish_origins",
                                 "invalid_request"});
  }
  if (!bearer->grants.may_publish) {
    return tl::unexpected(Denial{403, "the token has no \"publish\" claim", "insufficient_scope"});
  }
  return bearer;
}

bool Access::may_publish_from(const http::Request& request) const {
  std::string_view origin;
  if (const std::string* field = request.headers.find("origin")) {
    origin = *field;
  } else if (const std::string* referer = request.headers.find("referer")) {
    origin = origin_of(*referer);
  }
  if (origin.empty()) return false;
  if (origin == fmt::format("{}://{}", request.scheme, request.authority)) return true;
  return std::find(options_.publish_origins.begin(), options_.publish_origins.end(), origin) !=
         options_.publish_origins.end();
}

/// RFC 9728 §3.1: between the origin and the path of the resource.
std::string Access::metadata_url(const http::Request& request) const {
  const std::string_view origin = origin_of(options_.public_url);
  return (origin.empty() ? fmt::format("{}://{}", request.scheme, quoted(request.authority))
                         : std::string(origin)) +
         std::string(kMetadataPath);
}

std::string with_error(std::string challenge, std::string_view error,
                       std::string_view description) {
  challenge += fmt::format("{}error=\"{}\"", challenge == kBearer ? " " : ", ", error);
  if (!description.empty()) {
    challenge += fmt::format(", error_description=\"{}\"", quoted(description));
  }
  return challenge;
}

std::string Access::challenge(const http::Request& request, const Denial& denial) const {
  std::string text(kBearer);
  if (options_.protocol != Mercure::v0) {
    text += fmt::format(" resource_metadata=\"{}\"", metadata_url(request));
  }
  return denial.error.empty() ? text : with_error(std::move(text), denial.error, denial.text);
}

void Access::add_challenge(const http::Request& request, const Denial& denial,
                           http::Headers& headers) const {
  const bool is_about_token = denial.status == 401 || denial.status == 403;
  if (is_about_token || !denial.error.empty()) {
    headers.add("www-authenticate", challenge(request, denial));
  }
}

}  // namespace sluice::server
