/// Tokens: no bytes crash the verifier, and none that were not signed get in.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/auth/claims.h"
#include "gateway/auth/jwk.h"
#include "gateway/auth/token.h"
#include "gateway/base/assert.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

const Key& key() {
  static const Key instance = [] {
    Key made = Key::of_secret(Algorithm::hs256, std::string(32, 's')).value();
    made.issuer = "https://issuer.example";
    return made;
  }();
  return instance;
}

WallTime now() {
  return WallTime(std::chrono::seconds(1'700'000'000));
}

/// `text` as a token of its own; it has no signature of ours unless it is one of ours.
void check_token(const Verifier& verifier, std::string_view text) {
  const auto grants = verifier.verify(text, now());
  if (!grants) {
    SLUICE_ASSERT(!grants.error().what.empty(), "a refusal that says nothing");
    return;
  }
  const std::size_t dot = text.rfind('.');
  const auto signature = base64url_decode(text.substr(dot + 1));
  SLUICE_ASSERT(signature && key().is_signed(text.substr(0, dot), *signature),
                "a token without our signature was believed");
}

/// What is written of claims is what was read of them.
void check_again(const Claims& claims) {
  const auto again = parse_claims(claims_json(claims));
  SLUICE_ASSERT(again, "claims that we wrote cannot be read");
  const Grants before = grants_of(claims);
  const Grants after = grants_of(*again);
  SLUICE_ASSERT(before.publish == after.publish && before.subscribe == after.subscribe,
                "claims that we wrote grant something else");
}

/// `json` as the claims of a token that is signed well: the parser behind the signature.
void check_claims(const Verifier& verifier, std::string_view json) {
  std::string text =
      base64url_encode(header_json({.algorithm = "HS256", .id = {}, .type = "at+jwt"}));
  text += '.' + base64url_encode(json);
  text += '.' + base64url_encode(key().sign(text).value());
  const auto claims = parse_claims(json);
  const auto grants = verifier.verify(text, now());
  SLUICE_ASSERT(claims || !grants, "claims that cannot be read gave grants");
  if (claims) check_again(*claims);
  if (!grants) return;
  SLUICE_ASSERT(grants->publish.empty() || grants->may_publish, "grants of no claim");
  SLUICE_ASSERT(claims->issuer == key().issuer, "a token of another issuer was believed");
  SLUICE_ASSERT(!grants->is_v1 || grants->expires, "a token of 1.0 that never expires");
  SLUICE_ASSERT(verifier.verify(text, now()).has_value(), "a token that was good is not any more");
}

/// `text` as a set of keys: those that are taken are usable.
void check_set(std::string_view text) {
  for (const bool allow_secrets : {false, true}) {
    const auto set = parse_jwks(text, {.allow_secrets = allow_secrets, .algorithms = {}});
    if (!set) continue;
    for (const Key& each : set->keys) {
      const bool is_secret = row_of(each.algorithm()).type == KeyType::secret;
      SLUICE_ASSERT(allow_secrets || !is_secret, "a published secret was taken");
      SLUICE_ASSERT(!each.is_signed("text", ""), "no signature is a signature");
    }
  }
}

}  // namespace
}  // namespace sluice::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  static const sluice::auth::Verifier verifier({sluice::auth::key()});
  const std::string text(data, data + size);
  sluice::auth::check_token(verifier, text);
  sluice::auth::check_claims(verifier, text);
  sluice::auth::check_set(text);
  static_cast<void>(sluice::auth::parse_header(text));
  return 0;
}
