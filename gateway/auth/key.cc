/// What OpenSSL is asked to do, and the two forms of signatures in which JOSE differs from it.

#include "gateway/auth/key.h"

#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/rsa.h>

#include "gateway/auth/handles.h"
#include "gateway/auth/pkey.h"
#include "gateway/base/assert.h"

namespace sluice::auth {

struct Key::Material {
  const AlgorithmRow& row;
  MacContextPtr mac;  ///< Keyed; copied for each use, which costs half of keying it anew.
  std::shared_ptr<EVP_PKEY> pkey;
  bool is_private = false;
};

namespace {

MacContextPtr keyed_mac(const AlgorithmRow& row, std::string_view secret) {
  const MacPtr mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  MacContextPtr context(mac ? EVP_MAC_CTX_new(mac.get()) : nullptr);
  std::string digest = row.digest;
  const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                          OSSL_PARAM_construct_end()};
  SLUICE_ASSERT(
      context && EVP_MAC_init(context.get(), bytes_of(secret), secret.size(), params.data()) == 1,
      "OpenSSL has no HMAC");
  return context;
}

std::string mac_of(const EVP_MAC_CTX* keyed, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  std::size_t size = 0;
  const MacContextPtr context(EVP_MAC_CTX_dup(keyed));
  const bool is_made = context && EVP_MAC_update(context.get(), bytes_of(text), text.size()) == 1 &&
                       EVP_MAC_final(context.get(), mac.data(), &size, mac.size()) == 1;
  SLUICE_ASSERT(is_made, "OpenSSL made no HMAC");
  return {reinterpret_cast<const char*>(mac.data()), size};
}

/// PSS with a salt as long as the digest, and MGF1 of the same digest (RFC 7518 §3.5).
bool set_padding(const AlgorithmRow& row, EVP_PKEY_CTX* context) {
  return !row.is_pss || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/// `r` and `s`, each of the curve's size, one after the other (RFC 7518 §3.4); OpenSSL's is DER.
std::string to_der(const AlgorithmRow& row, std::string_view signature) {
  if (signature.size() != 2 * row.number_bytes) return {};
  const int half = static_cast<int>(row.number_bytes);
  NumberPtr r(BN_bin2bn(bytes_of(signature), half, nullptr));
  NumberPtr s(BN_bin2bn(bytes_of(signature.substr(row.number_bytes)), half, nullptr));
  const EcdsaPtr pair(ECDSA_SIG_new());
  if (!r || !s || !pair || BN_is_zero(r.get()) || BN_is_zero(s.get())) return {};
  if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return {};
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

std::string from_der(const AlgorithmRow& row, std::string_view der) {
  const unsigned char* at = bytes_of(der);
  const EcdsaPtr pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  SLUICE_ASSERT(pair, "OpenSSL made a signature that it cannot read");
  const int half = static_cast<int>(row.number_bytes);
  std::vector<unsigned char> out(2 * row.number_bytes);
  const bool fits =
      BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), half) == half &&
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + row.number_bytes, half) == half;
  SLUICE_ASSERT(fits, "a signature is larger than its curve");
  return {out.begin(), out.end()};
}

}  // namespace

bool is_pem(std::string_view text) {
  return text.find("-----BEGIN ") != text.npos;
}

Result<Key> Key::of_secret(Algorithm algorithm, std::string_view secret) {
  const AlgorithmRow& row = row_of(algorithm);
  if (row.type != KeyType::secret) {
    return fail(Errc::invalid, fmt::format("{} needs a PEM key, not a shared secret", row.name));
  }
  if (is_pem(secret)) {
    return fail(Errc::invalid, fmt::format("{} needs a shared secret, not a PEM key", row.name));
  }
  if (secret.size() < row.digest_bytes) {
    return fail(Errc::invalid,
                fmt::format("the secret has {} bytes; {} needs {} or more, as "
                            "`openssl rand -hex {}` makes them",
                            secret.size(), row.name, row.digest_bytes, row.digest_bytes));
  }
  return Key(std::make_shared<const Material>(
      Material{.row = row, .mac = keyed_mac(row, secret), .pkey = nullptr, .is_private = true}));
}

Result<Key> Key::of_pem(std::optional<Algorithm> algorithm, std::string_view pem) {
  const NoErrorsLeft guard;
  return read_pem(pem).and_then([&](PkeyPtr pkey) { return of_pkey(algorithm, std::move(pkey)); });
}

Result<Key> Key::of_pkey(std::optional<Algorithm> algorithm, std::shared_ptr<evp_pkey_st> pkey) {
  const NoErrorsLeft guard;
  const auto natural = natural_algorithm(*pkey);
  if (!natural) return tl::unexpected(natural.error());
  const AlgorithmRow& row = row_of(algorithm.value_or(*natural));
  if (auto fits = check_pkey(*pkey, row); !fits) return tl::unexpected(fits.error());
  const bool is_private = has_private_part(*pkey);
  return Key(std::make_shared<const Material>(
      Material{.row = row, .mac = nullptr, .pkey = std::move(pkey), .is_private = is_private}));
}

Algorithm Key::algorithm() const {
  return material_->row.algorithm;
}

bool Key::can_sign() const {
  return material_->is_private;
}

Result<std::string> Key::sign(std::string_view text) const {
  const NoErrorsLeft guard;
  const AlgorithmRow& row = material_->row;
  if (material_->mac) return mac_of(material_->mac.get(), text);
  if (!material_->is_private) {
    return fail(Errc::invalid, "a public key verifies tokens; to sign one takes the private key");
  }
  const DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* pkey_context = nullptr;
  std::size_t size = 0;
  std::string signature;
  const bool is_sized =
      context &&
      EVP_DigestSignInit_ex(context.get(), &pkey_context, row.digest, nullptr, nullptr,
                            material_->pkey.get(), nullptr) == 1 &&
      set_padding(row, pkey_context) &&
      EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
  signature.resize(size);
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  if (!is_sized || EVP_DigestSign(context.get(), out, &size, bytes_of(text), text.size()) != 1) {
    return fail(Errc::invalid, fmt::format("this key cannot sign with {}", row.name));
  }
  signature.resize(size);
  return row.type == KeyType::ec ? from_der(row, signature) : signature;
}

bool Key::is_signed(std::string_view text, std::string_view signature) const {
  const NoErrorsLeft guard;
  const AlgorithmRow& row = material_->row;
  if (material_->mac) {
    const std::string expected = mac_of(material_->mac.get(), text);
    return expected.size() == signature.size() &&
           CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
  }
  std::string der;
  if (row.type == KeyType::ec) {
    der = to_der(row, signature);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* pkey_context = nullptr;
  return context &&
         EVP_DigestVerifyInit_ex(context.get(), &pkey_context, row.digest, nullptr, nullptr,
                                 material_->pkey.get(), nullptr) == 1 &&
         set_padding(row, pkey_context) &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                          text.size()) == 1;
}

}  // namespace sluice::auth
