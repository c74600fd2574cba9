/// OpenSSL's asymmetric keys: from PEM text or from a JWK's numbers, and whether one will do. For
/// this layer's .cc files only.
///
/// Errors  Errc::invalid with a sentence. May leave entries in OpenSSL's error queue.
#pragma once

#include <string>
#include <string_view>

#include "gateway/auth/algorithm.h"
#include "gateway/auth/handles.h"
#include "gateway/base/result.h"

namespace sluice::auth {

/// The first public key, certificate or private key of the text.
Result<PkeyPtr> read_pem(std::string_view pem);
/// `n` and `e`, big-endian.
Result<PkeyPtr> make_rsa(std::string_view modulus, std::string_view exponent);
/// `curve` is JWK's name; the coordinates have the curve's full size (RFC 7518 §6.2.1.2).
Result<PkeyPtr> make_ec(std::string_view curve, std::string_view x, std::string_view y);
/// "Ed25519" or "Ed448".
Result<PkeyPtr> make_edwards(std::string_view curve, std::string_view x);

/// What the key is for: by its curve; RS256 for RSA.
Result<Algorithm> natural_algorithm(const EVP_PKEY& pkey);
/// Whether its type, curve and size fit the algorithm, and its numbers are a key at all.
Result<void> check_pkey(EVP_PKEY& pkey, const AlgorithmRow& row);
[[nodiscard]] bool has_private_part(const EVP_PKEY& pkey);

}  // namespace sluice::auth
