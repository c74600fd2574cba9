/// Tokens: no bytes crash the verifier, and none that were not signed get in.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/auth/claims.h"
#include "gateway/auth/token.h"
#include "gateway/base/assert.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

const Key& key() {
  static const Key instance{
      .algorithm = Algorithm::hs256, .id = "", .secret = std::string(32, 's')};
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
  SLUICE_ASSERT(signature && is_signed(key(), text.substr(0, dot), *signature),
                "a token without our signature was believed");
}

/// `json` as the claims of a token that is signed well: the parser behind the signature.
void check_claims(const Verifier& verifier, std::string_view json) {
  std::string text = base64url_encode(header_json({.algorithm = "HS256", .id = {}}));
  text += '.' + base64url_encode(json);
  text += '.' + base64url_encode(sign(key(), text));
  const auto claims = parse_claims(json);
  const auto grants = verifier.verify(text, now());
  SLUICE_ASSERT(claims || !grants, "claims that cannot be read gave grants");
  if (grants) SLUICE_ASSERT(grants->publish.empty() || grants->may_publish, "grants of no claim");
}

}  // namespace
}  // namespace sluice::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  static const sluice::auth::Verifier verifier({sluice::auth::key()});
  const std::string text(data, data + size);
  sluice::auth::check_token(verifier, text);
  sluice::auth::check_claims(verifier, text);
  static_cast<void>(sluice::auth::parse_header(text));
  return 0;
}
