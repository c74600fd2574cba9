#include "gateway/auth/pkey.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/pem.h>

namespace sluice::auth {
namespace {

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  ///< Verifying costs the square of it.

struct Curve {
  std::string_view jwk;
  const char* openssl;
  std::size_t bytes;  ///< Of one coordinate.
  Algorithm algorithm;
};
constexpr std::array kCurves{
    Curve{"P-256", "prime256v1", 32, Algorithm::es256},
    Curve{"P-384", "secp384r1", 48, Algorithm::es384},
    Curve{"P-521", "secp521r1", 66, Algorithm::es512},
};

const Curve* curve_of(const EVP_PKEY& pkey) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(&pkey, name.data(), name.size(), &size) != 1) return nullptr;
  for (const Curve& curve : kCurves) {
    if (std::string_view(name.data(), size) == curve.openssl) return &curve;
  }
  return nullptr;
}

bool is_rsa(const EVP_PKEY& pkey) {
  return EVP_PKEY_is_a(&pkey, "RSA") == 1 || EVP_PKEY_is_a(&pkey, "RSA-PSS") == 1;
}
bool is_edwards(const EVP_PKEY& pkey) {
  return EVP_PKEY_is_a(&pkey, "ED25519") == 1 || EVP_PKEY_is_a(&pkey, "ED448") == 1;
}

/// Nobody is asked for a passphrase: a gateway has no terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

Result<PkeyPtr> made_from(const char* type, const ParamBuilderPtr& builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* pkey = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &pkey, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return fail(Errc::invalid, fmt::format("its numbers are no {} key", type));
  }
  return PkeyPtr(pkey);
}

Result<void> check_rsa(const EVP_PKEY& pkey, const AlgorithmRow& row) {
  if (EVP_PKEY_is_a(&pkey, "RSA-PSS") == 1 && !row.is_pss) {
    return fail(Errc::invalid, fmt::format("{} cannot use a key that is for PSS only", row.name));
  }
  const int bits = EVP_PKEY_get_bits(&pkey);
  if (bits >= kLeastRsaBits && bits <= kMostRsaBits) return {};
  return fail(Errc::invalid, fmt::format("the RSA key has {} bits; from {} to {} are taken", bits,
                                         kLeastRsaBits, kMostRsaBits));
}

}  // namespace

Result<PkeyPtr> read_pem(std::string_view pem) {
  const auto has = [&](std::string_view label) { return pem.find(label) != pem.npos; };
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr pkey;
  if (has("PRIVATE KEY-----")) {
    pkey.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  } else if (has("-----BEGIN CERTIFICATE-----")) {
    const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (certificate) pkey.reset(X509_get_pubkey(certificate.get()));
  } else {
    pkey.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
  }
  if (pkey) return pkey;
  return fail(Errc::invalid, has("ENCRYPTED")
                                 ? "the PEM key is encrypted; give it without a passphrase"
                                 : "no PEM public key, certificate or private key is in it");
}

Result<PkeyPtr> make_rsa(std::string_view modulus, std::string_view exponent) {
  const auto number = [](std::string_view bytes) {
    return NumberPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
  };
  const NumberPtr n = number(modulus);
  const NumberPtr e = number(exponent);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return fail(Errc::invalid, "its numbers are no RSA key");
  }
  return made_from("RSA", builder);
}

Result<PkeyPtr> make_ec(std::string_view curve, std::string_view x, std::string_view y) {
  for (const Curve& known : kCurves) {
    if (known.jwk != curve) continue;
    if (x.size() != known.bytes || y.size() != known.bytes) {
      return fail(Errc::invalid,
                  fmt::format("a coordinate on {} has {} bytes", curve, known.bytes));
    }
    const std::string point = '\x04' + std::string(x) + std::string(y);
    const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
    if (!builder ||
        OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, known.openssl,
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1) {
      return fail(Errc::invalid, "its numbers are no EC key");
    }
    return made_from("EC", builder);
  }
  return fail(Errc::invalid, fmt::format("the curve \"{}\" is not supported", curve));
}

Result<PkeyPtr> make_edwards(std::string_view curve, std::string_view x) {
  if (curve != "Ed25519" && curve != "Ed448") {
    return fail(Errc::invalid, fmt::format("the curve \"{}\" is not supported", curve));
  }
  const int type = curve == "Ed448" ? EVP_PKEY_ED448 : EVP_PKEY_ED25519;
  PkeyPtr pkey(EVP_PKEY_new_raw_public_key(type, nullptr, bytes_of(x), x.size()));
  if (!pkey) return fail(Errc::invalid, fmt::format("its \"x\" is no {} key", curve));
  return pkey;
}

Result<Algorithm> natural_algorithm(const EVP_PKEY& pkey) {
  if (is_rsa(pkey)) {
    return EVP_PKEY_is_a(&pkey, "RSA-PSS") == 1 ? Algorithm::ps256 : Algorithm::rs256;
  }
  if (is_edwards(pkey)) return Algorithm::eddsa;
  if (EVP_PKEY_is_a(&pkey, "EC") == 1) {
    if (const Curve* curve = curve_of(pkey)) return curve->algorithm;
    return fail(Errc::invalid,
                "the key is on a curve that is not supported; P-256, P-384 and "
                "P-521 are");
  }
  return fail(Errc::invalid, "the key is of a type that is not supported; RSA, EC and Ed25519 are");
}

Result<void> check_pkey(EVP_PKEY& pkey, const AlgorithmRow& row) {
  if (row.type == KeyType::secret) {
    return fail(Errc::invalid, fmt::format("{} needs a shared secret, not a PEM key", row.name));
  }
  if (row.type == KeyType::rsa) {
    if (!is_rsa(pkey)) return fail(Errc::invalid, fmt::format("{} needs an RSA key", row.name));
    if (auto fits = check_rsa(pkey, row); !fits) return fits;
  }
  if (row.type == KeyType::ec) {
    const Curve* curve = EVP_PKEY_is_a(&pkey, "EC") == 1 ? curve_of(pkey) : nullptr;
    if (curve == nullptr || curve->algorithm != row.algorithm) {
      return fail(Errc::invalid,
                  fmt::format("{} needs an EC key on the curve {}", row.name, row.curve));
    }
  }
  if (row.type == KeyType::edwards && !is_edwards(pkey)) {
    return fail(Errc::invalid, fmt::format("{} needs an Ed25519 or Ed448 key", row.name));
  }
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, &pkey, nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return fail(Errc::invalid, "its numbers are no key");
  }
  return {};
}

bool has_private_part(const EVP_PKEY& pkey) {
  if (is_edwards(pkey)) {
    std::size_t size = 0;
    return EVP_PKEY_get_raw_private_key(&pkey, nullptr, &size) == 1;
  }
  BIGNUM* number = nullptr;
  const char* name = is_rsa(pkey) ? OSSL_PKEY_PARAM_RSA_D : OSSL_PKEY_PARAM_PRIV_KEY;
  const bool is_there = EVP_PKEY_get_bn_param(&pkey, name, &number) == 1;
  BN_clear_free(number);
  return is_there;
}

}  // namespace sluice::auth
