#include "gateway/auth/algorithm.h"

#include <array>

#include <fmt/format.h>

#include "gateway/base/assert.h"

namespace sluice::auth {
namespace {

using A = Algorithm;
using K = KeyType;

constexpr std::array kRows{
    AlgorithmRow{A::hs256, "HS256", K::secret, "SHA256", 32, false, "", 0},
    AlgorithmRow{A::hs384, "HS384", K::secret, "SHA384", 48, false, "", 0},
    AlgorithmRow{A::hs512, "HS512", K::secret, "SHA512", 64, false, "", 0},
    AlgorithmRow{A::rs256, "RS256", K::rsa, "SHA256", 32, false, "", 0},
    AlgorithmRow{A::rs384, "RS384", K::rsa, "SHA384", 48, false, "", 0},
    AlgorithmRow{A::rs512, "RS512", K::rsa, "SHA512", 64, false, "", 0},
    AlgorithmRow{A::ps256, "PS256", K::rsa, "SHA256", 32, true, "", 0},
    AlgorithmRow{A::ps384, "PS384", K::rsa, "SHA384", 48, true, "", 0},
    AlgorithmRow{A::ps512, "PS512", K::rsa, "SHA512", 64, true, "", 0},
    AlgorithmRow{A::es256, "ES256", K::ec, "SHA256", 32, false, "P-256", 32},
    AlgorithmRow{A::es384, "ES384", K::ec, "SHA384", 48, false, "P-384", 48},
    AlgorithmRow{A::es512, "ES512", K::ec, "SHA512", 64, false, "P-521", 66},
    AlgorithmRow{A::eddsa, "EdDSA", K::edwards, nullptr, 0, false, "", 0},
};

}  // namespace

const AlgorithmRow& row_of(Algorithm algorithm) {
  for (const AlgorithmRow& row : kRows) {
    if (row.algorithm == algorithm) return row;
  }
  assert_failed("row_of", "every algorithm has a row", __FILE__, __LINE__);
}

Result<Algorithm> parse_algorithm(std::string_view name) {
  for (const AlgorithmRow& row : kRows) {
    if (row.name == name) return row.algorithm;
  }
  return fail(Errc::invalid, fmt::format("\"{}\" is not an algorithm that is supported: {}", name,
                                         algorithm_names()));
}

std::string_view algorithm_name(Algorithm algorithm) {
  return row_of(algorithm).name;
}

std::string algorithm_names() {
  std::string names;
  for (const AlgorithmRow& row : kRows) {
    if (!names.empty()) names += ", ";
    names += row.name;
  }
  return names;
}

}  // namespace sluice::auth
