/// Key: what verifies tokens, or signs them too; bound to one algorithm.
///
/// The algorithm is a property of the key, never of a token: that is what stops a token from
/// choosing how it is verified.
/// Thread  any: immutable but for its plain members; copies share what is costly.
/// Errors  Errc::invalid with a sentence that says what would be right.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/auth/algorithm.h"
#include "gateway/base/result.h"

struct evp_pkey_st;

namespace sluice::auth {

class Key {
 public:
  /// Raw bytes, at least as many as the digest has, and no PEM text that strayed here.
  static Result<Key> of_secret(Algorithm algorithm, std::string_view secret);
  /// A public key, a certificate or a private key that is not encrypted. Without an algorithm it is
  /// the one that the key is for: by its curve; RS256 for RSA.
  static Result<Key> of_pem(std::optional<Algorithm> algorithm, std::string_view pem);
  /// Shares `pkey`, which fits the algorithm or is refused.
  static Result<Key> of_pkey(std::optional<Algorithm> algorithm, std::shared_ptr<evp_pkey_st> pkey);

  [[nodiscard]] Algorithm algorithm() const;
  /// It is a secret, or a private key.
  [[nodiscard]] bool can_sign() const;
  /// The signature of `text`, as it stands in a token but for base64url.
  [[nodiscard]] Result<std::string> sign(std::string_view text) const;
  /// In a time that does not depend on where a MAC differs.
  [[nodiscard]] bool is_signed(std::string_view text, std::string_view signature) const;

  std::string id;        ///< The `kid` that it answers to; empty: any.
  std::string issuer;    ///< The `iss` of every token that it verifies; empty: not looked at.
  std::string audience;  ///< What `aud` of such a token must hold; empty: not looked at.

 private:
  struct Material;
  explicit Key(std::shared_ptr<const Material> material) : material_(std::move(material)) {}

  std::shared_ptr<const Material> material_;
};

/// The text begins a PEM block.
[[nodiscard]] bool is_pem(std::string_view text);

}  // namespace sluice::auth
