#include "gateway/auth/token.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

/// Signatures tried for one token: what one that is not good may cost.
constexpr std::size_t kMaxTries = 8;

/// A token's three parts, still encoded; views into it.
struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view text;  ///< What the signature is made over.
};

Result<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) {
    return fail(Errc::denied, "the token does not have three parts");
  }
  return Parts{.header = token.substr(0, first),
               .payload = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .text = token.substr(0, second)};
}

Result<std::string> decode(std::string_view part, std::string_view what) {
  return base64url_decode(part).map_error([&](const Error& error) {
    return Error{Errc::denied, fmt::format("the {} of the token is {}", what, error.what)};
  });
}

/// The keys that may have made a token, most telling refusal included.
Result<std::vector<const Key*>> candidates(const std::vector<Key>& keys, const Header& header) {
  std::vector<const Key*> found;
  bool has_key = false;
  for (const Key& key : keys) {
    if (header.id && !key.id.empty() && key.id != *header.id) continue;
    has_key = true;
    if (algorithm_name(key.algorithm()) == header.algorithm) found.push_back(&key);
  }
  if (keys.empty()) return fail(Errc::denied, "there is no key to verify tokens with");
  if (!has_key) return fail(Errc::denied, "the token names a key (\"kid\") that is not known");
  if (found.empty()) {
    return fail(Errc::denied, "the token's \"alg\" is not the algorithm of the key");
  }
  const auto has_id = [&](const Key* key) { return header.id && key->id == *header.id; };
  std::stable_partition(found.begin(), found.end(), has_id);
  return found;
}

bool is_known_id(const std::vector<Key>& keys, const Header& header) {
  return !header.id || std::any_of(keys.begin(), keys.end(),
                                   [&](const Key& key) { return key.id == *header.id; });
}

Result<void> check_issuer(const Key& key, const Claims& claims) {
  if (claims.details && key.issuer.empty()) {
    return fail(Errc::denied,
                "the key of this token has no issuer, which \"authorization_details\" need");
  }
  if (!key.issuer.empty() && key.issuer != claims.issuer) {
    return fail(Errc::denied, "the token's \"iss\" is not the issuer of the key");
  }
  const auto& audience = claims.audience;
  if (!key.audience.empty() &&
      std::find(audience.begin(), audience.end(), key.audience) == audience.end()) {
    return fail(Errc::denied, "the token is not for this hub: its \"aud\" does not name it");
  }
  return {};
}

Result<void> check_version(const Header& header, const Claims& claims) {
  if (!claims.details) return {};
  if (!header.is_access_token()) {
    return fail(Errc::denied, "a token with \"authorization_details\" needs \"typ\": \"at+jwt\"");
  }
  if (!claims.expires) {
    return fail(Errc::denied, "a token with \"authorization_details\" needs an \"exp\"");
  }
  return {};
}

/// The claims, when one of `keys` has signed the token and is of its issuer.
Result<Claims> claims_of(const Parts& parts, const std::vector<const Key*>& keys) {
  const auto signature = decode(parts.signature, "signature");
  if (!signature) return tl::unexpected(signature.error());
  Result<Claims> claims = fail(Errc::denied, "the signature of the token is wrong");
  std::size_t tries = 0;
  for (const Key* key : keys) {
    if (++tries > kMaxTries) {
      return fail(Errc::denied,
                  "the token names no key (\"kid\"), and there are too many to try them all");
    }
    if (!key->is_signed(parts.text, *signature)) continue;
    claims = decode(parts.payload, "payload").and_then([](const std::string& json) {
      return parse_claims(json);
    });
    if (!claims) return claims;
    if (auto fits = check_issuer(*key, *claims); !fits) {
      claims = tl::unexpected(fits.error());
      continue;  // Another issuer may use the same key.
    }
    return claims;
  }
  return claims;
}

}  // namespace

Verifier::Verifier(std::vector<Key> keys, VerifierOptions options)
    : options_(options), ring_(std::move(keys)), cache_(options.cache_entries) {}

Result<VerifiedToken> Verifier::verify_anew(std::string_view token,
                                            const KeyRing::Snapshot& snapshot) const {
  const auto parts = split(token);
  if (!parts) return tl::unexpected(parts.error());
  const auto header = decode(parts->header, "header").and_then([](const std::string& json) {
    return parse_header(json);
  });
  if (!header) return tl::unexpected(header.error());
  auto claims = candidates(snapshot.keys, *header)
                    .and_then([&](const auto& keys) { return claims_of(*parts, keys); })
                    .and_then([&](Claims&& good) {
                      return check_version(*header, good).map([&] { return std::move(good); });
                    });
  if (!claims) {
    if (!is_known_id(snapshot.keys, *header)) ring_.report_unknown_key();
    return tl::unexpected(claims.error());
  }
  VerifiedToken verified{.grants = grants_of(*claims), .not_before = std::nullopt};
  if (claims->expires) verified.grants.expires = *claims->expires + options_.leeway;
  if (claims->not_before) verified.not_before = *claims->not_before - options_.leeway;
  return verified;
}

Result<void> Verifier::check_times(const VerifiedToken& token, WallTime now) const {
  if (token.grants.expires && now >= *token.grants.expires) {
    return fail(Errc::expired, "the token has expired");
  }
  if (token.not_before && now < *token.not_before) {
    return fail(Errc::denied, "the token is not valid yet");
  }
  return {};
}

Result<Grants> Verifier::verify(std::string_view token, WallTime now) const {
  if (token.size() > options_.max_bytes) return fail(Errc::denied, "the token is too long");
  const KeyRing::SnapshotPtr snapshot = ring_.snapshot();
  const auto digest = cache_.is_on() ? TokenCache::digest_of(token) : TokenCache::Digest{};
  if (const VerifiedTokenPtr known = cache_.find(digest, snapshot->generation)) {
    auto checked = check_times(*known, now);
    if (checked) return known->grants;
    cache_.erase(digest);
    return tl::unexpected(checked.error());
  }
  auto verified = verify_anew(token, *snapshot);
  if (!verified) return tl::unexpected(verified.error());
  if (auto checked = check_times(*verified, now); !checked) return tl::unexpected(checked.error());
  auto kept = std::make_shared<const VerifiedToken>(std::move(*verified));
  cache_.insert(digest, snapshot->generation, kept);
  return kept->grants;
}

Result<std::string> mint(const Key& key, const Claims& claims) {
  Header header{.algorithm = std::string(algorithm_name(key.algorithm())),
                .id = std::nullopt,
                .type = claims.details ? "at+jwt" : "JWT"};
  if (!key.id.empty()) header.id = key.id;
  const std::string text =
      base64url_encode(header_json(header)) + '.' + base64url_encode(claims_json(claims));
  return key.sign(text).map(
      [&](const std::string& signature) { return text + '.' + base64url_encode(signature); });
}

}  // namespace sluice::auth
