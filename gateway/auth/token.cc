#include "gateway/auth/token.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/assert.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

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

bool may_answer_to(const Key& key, const Header& header) {
  return !header.id || key.id.empty() || key.id == *header.id;
}

}  // namespace

Verifier::Verifier(std::vector<Key> keys, VerifierOptions options)
    : keys_(std::move(keys)), options_(options) {
  for (const Key& key : keys_) SLUICE_ASSERT(check_key(key), "a key was not checked");
}

Result<void> Verifier::check_signature(const Header& header, std::string_view text,
                                       std::string_view signature) const {
  bool has_key = false;
  bool has_algorithm = false;
  for (const Key& key : keys_) {
    if (!may_answer_to(key, header)) continue;
    has_key = true;
    if (algorithm_name(key.algorithm) != header.algorithm) continue;
    has_algorithm = true;
    if (is_signed(key, text, signature)) return {};
  }
  if (keys_.empty()) return fail(Errc::denied, "no key is configured to verify tokens with");
  if (!has_key) return fail(Errc::denied, "the token names a key (\"kid\") that is not known");
  if (!has_algorithm) {
    return fail(Errc::denied, "the token's \"alg\" is not the algorithm of the key");
  }
  return fail(Errc::denied, "the signature of the token is wrong");
}

Result<Grants> Verifier::verify(std::string_view token, WallTime now) const {
  if (token.size() > options_.max_bytes) return fail(Errc::denied, "the token is too long");
  const auto parts = split(token);
  if (!parts) return tl::unexpected(parts.error());
  const auto header = decode(parts->header, "header").and_then([](const std::string& json) {
    return parse_header(json);
  });
  if (!header) return tl::unexpected(header.error());
  const auto signature = decode(parts->signature, "signature");
  if (!signature) return tl::unexpected(signature.error());
  if (auto checked = check_signature(*header, parts->text, *signature); !checked) {
    return tl::unexpected(checked.error());
  }

  auto claims = decode(parts->payload, "payload").and_then([](const std::string& json) {
    return parse_claims(json);
  });
  if (!claims) return tl::unexpected(claims.error());
  if (claims->expires && now >= *claims->expires + options_.leeway) {
    return fail(Errc::denied, "the token has expired");
  }
  if (claims->not_before && now + options_.leeway < *claims->not_before) {
    return fail(Errc::denied, "the token is not valid yet");
  }
  Grants grants;
  grants.may_publish = claims->publish.has_value();
  grants.may_subscribe = claims->subscribe.has_value();
  grants.publish = std::move(claims->publish).value_or(std::vector<std::string>());
  grants.subscribe = std::move(claims->subscribe).value_or(std::vector<std::string>());
  if (claims->expires) grants.expires = *claims->expires + options_.leeway;
  grants.subject = std::move(claims->subject);
  return grants;
}

std::string mint(const Key& key, const Claims& claims) {
  Header header{.algorithm = std::string(algorithm_name(key.algorithm)), .id = std::nullopt};
  if (!key.id.empty()) header.id = key.id;
  const std::string text =
      base64url_encode(header_json(header)) + '.' + base64url_encode(claims_json(claims));
  return text + '.' + base64url_encode(sign(key, text));
}

}  // namespace sluice::auth
