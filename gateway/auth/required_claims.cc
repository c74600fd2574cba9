#include "gateway/auth/required_claims.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/auth/json.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

bool has_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::string_view first = text.substr(0, text.find(' '));
    if (first == word) return true;
    text.remove_prefix(std::min(first.size() + 1, text.size()));
  }
  return false;
}

bool is_fulfilled(const Json& claim, const RequiredClaim& required) {
  if (const auto* text = claim.get_ptr<const std::string*>()) {
    const bool is_words = required.name == "scope" || required.name == "scp";
    return is_words ? has_word(*text, required.value) : *text == required.value;
  }
  return claim.is_array() && std::find(claim.begin(), claim.end(), required.value) != claim.end();
}

Result<Json> payload_of(std::string_view token) {
  const std::size_t begin = token.find('.');
  const std::size_t end = begin == token.npos ? token.npos : token.find('.', begin + 1);
  if (end == token.npos) return fail(Errc::denied, "the token does not have three parts");
  const auto text = base64url_decode(token.substr(begin + 1, end - begin - 1));
  if (!text) return fail(Errc::denied, "the payload of the token is " + text.error().what);
  return parse_object(*text, "the payload of the token", Errc::denied);
}

}  // namespace

Result<void> check_claims(std::string_view token, std::span<const RequiredClaim> required) {
  if (required.empty()) return {};
  const auto payload = payload_of(token);
  if (!payload) return tl::unexpected(payload.error());
  for (const RequiredClaim& each : required) {
    const Json* claim = find(*payload, each.name.c_str());
    if (claim == nullptr) {
      return fail(Errc::denied, fmt::format("the token has no claim \"{}\"", each.name));
    }
    if (!claim->is_string() && !claim->is_array()) {
      return fail(
          Errc::denied,
          fmt::format("the token's claim \"{}\" is neither a text nor an array", each.name));
    }
    if (!is_fulfilled(*claim, each)) {
      return fail(Errc::denied,
                  fmt::format("the token's claim \"{}\" is not what this route wants", each.name));
    }
  }
  return {};
}

}  // namespace sluice::auth
