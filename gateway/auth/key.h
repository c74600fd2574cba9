/// Key: a secret that signs and verifies tokens, bound to one algorithm.
///
/// The algorithm is a property of the key, never of a token: that is what stops a token from
/// choosing how it is verified.
/// Thread  plain values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::auth {

enum class Algorithm { hs256 };

struct Key {
  Algorithm algorithm = Algorithm::hs256;
  std::string id;      ///< The `kid` that it answers to; empty: any.
  std::string secret;  ///< The raw bytes.
};

/// "HS256", exactly.
Result<Algorithm> parse_algorithm(std::string_view name);
[[nodiscard]] std::string_view algorithm_name(Algorithm algorithm);
/// An HMAC secret is at least as long as its digest, and is not a public key that strayed here.
Result<void> check_key(const Key& key);
/// The signature of `text`, raw.
[[nodiscard]] std::string sign(const Key& key, std::string_view text);
/// In a time that does not depend on where the signatures differ.
[[nodiscard]] bool is_signed(const Key& key, std::string_view text, std::string_view signature);

}  // namespace sluice::auth
