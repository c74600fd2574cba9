#include "gateway/auth/key.h"

#include <array>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gateway/base/assert.h"

namespace sluice::auth {
namespace {

/// One row per algorithm: what a further one needs is here and in sign() and is_signed().
struct Row {
  Algorithm algorithm;
  std::string_view name;
  std::size_t least_secret;  ///< RFC 7518 §3.2: as long as the digest.
  const EVP_MD* (*digest)();
};

constexpr std::array kRows{Row{Algorithm::hs256, "HS256", 32, &EVP_sha256}};

const Row& row_of(Algorithm algorithm) {
  for (const Row& row : kRows) {
    if (row.algorithm == algorithm) return row;
  }
  assert_failed("row_of", "every algorithm has a row", __FILE__, __LINE__);
}

}  // namespace

Result<Algorithm> parse_algorithm(std::string_view name) {
  std::string known;
  for (const Row& row : kRows) {
    if (row.name == name) return row.algorithm;
    if (!known.empty()) known += ", ";
    known += row.name;
  }
  return fail(Errc::invalid,
              fmt::format("\"{}\" is not an algorithm that is supported: {}", name, known));
}

std::string_view algorithm_name(Algorithm algorithm) {
  return row_of(algorithm).name;
}

Result<void> check_key(const Key& key) {
  const Row& row = row_of(key.algorithm);
  if (key.secret.find("-----BEGIN ") != std::string::npos) {
    return fail(Errc::invalid, fmt::format("{} needs a shared secret, not a PEM key", row.name));
  }
  if (key.secret.size() < row.least_secret) {
    return fail(Errc::invalid, fmt::format("the secret has {} bytes; {} needs {} or more, as "
                                           "`openssl rand -hex 32` makes them",
                                           key.secret.size(), row.name, row.least_secret));
  }
  return {};
}

std::string sign(const Key& key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* made =
      HMAC(row_of(key.algorithm).digest(), key.secret.data(), static_cast<int>(key.secret.size()),
           bytes, text.size(), mac.data(), &size);
  SLUICE_ASSERT(made != nullptr, "OpenSSL made no HMAC");
  return {reinterpret_cast<const char*>(mac.data()), size};
}

bool is_signed(const Key& key, std::string_view text, std::string_view signature) {
  const std::string expected = sign(key, text);
  return expected.size() == signature.size() &&
         CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
}

}  // namespace sluice::auth
