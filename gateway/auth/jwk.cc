#include "gateway/auth/jwk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/json.h"
#include "gateway/auth/pkey.h"
#include "gateway/base/base64.h"

namespace sluice::auth {
namespace {

/// A text member of a JWK; nothing when it is missing or of another type.
std::optional<std::string> text_in(const Json& jwk, const char* name) {
  const Json* value = find(jwk, name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

Result<std::string> bytes_in(const Json& jwk, const char* name) {
  const auto text = text_in(jwk, name);
  if (!text || text->empty()) return fail(Errc::invalid, fmt::format("it has no \"{}\"", name));
  return base64url_decode(*text);
}

/// What RFC 7517 §4.2 and §4.3 say of its use allows verifying.
bool is_for_verifying(const Json& jwk) {
  const Json* use = find(jwk, "use");
  if (use != nullptr && *use != "sig") return false;
  const Json* operations = find(jwk, "key_ops");
  if (operations == nullptr) return true;
  const auto names = strings_of(*operations);
  return names && std::find(names->begin(), names->end(), "verify") != names->end();
}

Result<PkeyPtr> pkey_of(const Json& jwk, std::string_view type) {
  const auto two = [&](const char* first, const char* second, auto make) -> Result<PkeyPtr> {
    const auto a = bytes_in(jwk, first);
    const auto b = bytes_in(jwk, second);
    if (!a || !b) return tl::unexpected((a ? b : a).error());
    return make(*a, *b);
  };
  const std::string curve = text_in(jwk, "crv").value_or("");
  if (type == "RSA") return two("n", "e", make_rsa);
  if (type == "EC") {
    return two("x", "y",
               [&](const std::string& x, const std::string& y) { return make_ec(curve, x, y); });
  }
  if (type == "OKP") {
    return bytes_in(jwk, "x").and_then(
        [&](const std::string& x) { return make_edwards(curve, x); });
  }
  return fail(Errc::invalid, "its type is not supported");
}

/// The algorithms that a key is taken for: its own, or those of its type that are wanted.
Result<std::vector<Algorithm>> algorithms_of(const Json& jwk, const JwkOptions& options,
                                             KeyType type, Algorithm natural) {
  const auto& wanted = options.algorithms;
  const auto is_wanted = [&](Algorithm algorithm) {
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), algorithm) != wanted.end();
  };
  std::vector<Algorithm> found;
  if (const Json* named = find(jwk, "alg")) {
    auto algorithm = parse_algorithm(named->is_string() ? named->get<std::string>() : "");
    if (!algorithm) return tl::unexpected(algorithm.error());
    if (is_wanted(*algorithm)) found.push_back(*algorithm);
  } else if (type == KeyType::ec || type == KeyType::edwards || wanted.empty()) {
    if (is_wanted(natural)) found.push_back(natural);
  } else {
    std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(found),
                 [&](Algorithm algorithm) { return row_of(algorithm).type == type; });
  }
  if (found.empty()) return fail(Errc::invalid, "its algorithm is not wanted");
  return found;
}

Result<std::vector<Key>> keys_of(const Json& jwk, const JwkOptions& options) {
  if (!jwk.is_object()) return fail(Errc::invalid, "it is not an object");
  if (!is_for_verifying(jwk)) return fail(Errc::invalid, "it is not for verifying");
  const std::string type = text_in(jwk, "kty").value_or("");
  const bool is_secret = type == "oct";
  if (is_secret && !options.allow_secrets) {
    return fail(Errc::invalid, "a shared secret that is published is none");
  }
  std::shared_ptr<EVP_PKEY> pkey;
  std::string secret;
  Algorithm natural = Algorithm::hs256;
  if (is_secret) {
    auto bytes = bytes_in(jwk, "k");
    if (!bytes) return tl::unexpected(bytes.error());
    secret = std::move(*bytes);
  } else {
    auto made = pkey_of(jwk, type);
    if (!made) return tl::unexpected(made.error());
    pkey = std::move(*made);
    const auto found = natural_algorithm(*pkey);
    if (!found) return tl::unexpected(found.error());
    natural = *found;
  }
  const auto algorithms = algorithms_of(jwk, options, row_of(natural).type, natural);
  if (!algorithms) return tl::unexpected(algorithms.error());
  std::vector<Key> keys;
  for (const Algorithm algorithm : *algorithms) {
    auto key = is_secret ? Key::of_secret(algorithm, secret) : Key::of_pkey(algorithm, pkey);
    if (!key) return tl::unexpected(key.error());
    key->id = text_in(jwk, "kid").value_or("");
    keys.push_back(std::move(*key));
  }
  return keys;
}

}  // namespace

Result<JwkSet> parse_jwks(std::string_view text, const JwkOptions& options) {
  constexpr std::string_view kWhat = "the JWK set";
  if (text.size() > kMaxJwksBytes) {
    return fail(Errc::invalid,
                fmt::format("{} is larger than {}", kWhat, format_size(kMaxJwksBytes)));
  }
  const NoErrorsLeft guard;
  auto object = parse_object(text, kWhat, Errc::invalid);
  if (!object) return tl::unexpected(object.error());
  Json array = Json::array();
  if (const Json* keys = find(*object, "keys")) {
    if (!keys->is_array()) return fail(Errc::invalid, "\"keys\" of the JWK set is not an array");
    array = *keys;
  } else if (object->contains("kty")) {
    array.push_back(std::move(*object));
  } else {
    return fail(Errc::invalid, fmt::format("{} has no \"keys\"", kWhat));
  }
  if (array.size() > kMaxJwkKeys) {
    return fail(Errc::limit, fmt::format("{} has {} keys; at most {} are taken", kWhat,
                                         array.size(), kMaxJwkKeys));
  }
  JwkSet set;
  for (const Json& jwk : array) {
    auto keys = keys_of(jwk, options);
    if (!keys) {
      ++set.skipped;
      continue;
    }
    for (Key& key : *keys) set.keys.push_back(std::move(key));
  }
  return set;
}

}  // namespace sluice::auth
