/// Algorithm: how a token is signed (RFC 7518 §3.1, RFC 8037 §3.1), and what its keys must be.
///
/// Thread  constants.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace sluice::auth {

enum class Algorithm {
  hs256,
  hs384,
  hs512,
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
};

/// What the keys of an algorithm are made of.
enum class KeyType { secret, rsa, ec, edwards };

struct AlgorithmRow {
  Algorithm algorithm;
  std::string_view name;  ///< `alg`
  KeyType type;
  const char* digest;        ///< As OpenSSL names it; nullptr: the algorithm has its own.
  std::size_t digest_bytes;  ///< An HMAC secret has as many or more (RFC 7518 §3.2).
  bool is_pss;
  std::string_view curve;    ///< JWK's name of the one curve that it is for.
  std::size_t number_bytes;  ///< Of `r` and of `s` in an ECDSA signature.
};

[[nodiscard]] const AlgorithmRow& row_of(Algorithm algorithm);
/// "HS256", exactly.
Result<Algorithm> parse_algorithm(std::string_view name);
[[nodiscard]] std::string_view algorithm_name(Algorithm algorithm);
/// "HS256, HS384, …": all that are supported.
[[nodiscard]] std::string algorithm_names();

}  // namespace sluice::auth
