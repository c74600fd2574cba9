#include "gateway/auth/key.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/err.h>

#include "tests/auth/key_pairs.h"

namespace sluice::auth {
namespace {

using A = Algorithm;
const std::vector<Algorithm> kPublicAlgorithms{A::rs256, A::rs384, A::rs512, A::ps256, A::ps384,
                                               A::ps512, A::es256, A::es384, A::es512, A::eddsa};
const std::string kText = "header.payload";

/// Why there is no such key.
std::string refusal(const Result<Key>& key) {
  return key ? "accepted" : key.error().what;
}
std::string of_secret(Algorithm algorithm, const std::string& secret) {
  return refusal(Key::of_secret(algorithm, secret));
}
std::string of_pem(std::optional<Algorithm> algorithm, const std::string& pem) {
  return refusal(Key::of_pem(algorithm, pem));
}

/// An ECDSA signature in the form that OpenSSL makes by itself.
std::string der_signature(const KeyPair& pair) {
  const CHandle<BIO, BIO_free_all> bio(BIO_new_mem_buf(pair.private_pem.data(), -1));
  const CHandle<EVP_PKEY, EVP_PKEY_free> pkey(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const CHandle<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::string der(200, '\0');
  std::size_t size = der.size();
  EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, pkey.get());
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(der.data()), &size,
                         reinterpret_cast<const unsigned char*>(kText.data()), kText.size()) == 1);
  return der.substr(0, size);
}

TEST_SUITE("Key") {
  TEST_CASE("what a private key signs its public key verifies, whatever the algorithm") {
    for (const Algorithm algorithm : kPublicAlgorithms) {
      CAPTURE(algorithm_name(algorithm));
      const auto signature = private_key(algorithm).sign(kText);
      REQUIRE(signature);
      const Key key = public_key(algorithm);
      CHECK(key.is_signed(kText, *signature));
      CHECK_FALSE(key.is_signed(kText + "x", *signature));
      CHECK_FALSE(key.is_signed(kText, ""));
    }
  }

  TEST_CASE("what a secret signs it verifies, and another secret does not") {
    for (const Algorithm algorithm : {A::hs256, A::hs384, A::hs512}) {
      const Key key = Key::of_secret(algorithm, std::string(64, 'a')).value();
      const auto signature = key.sign(kText);
      REQUIRE(signature);
      CHECK(key.is_signed(kText, *signature));
      CHECK_FALSE(
          Key::of_secret(algorithm, std::string(64, 'b')).value().is_signed(kText, *signature));
    }
  }

  TEST_CASE("a signature of another algorithm of the same key is refused") {
    const auto signature = private_key(A::rs256).sign(kText).value();
    for (const Algorithm other : {A::rs384, A::rs512, A::ps256, A::ps384, A::ps512}) {
      CHECK_FALSE(public_key(other).is_signed(kText, signature));
    }
    CHECK_FALSE(public_key(A::rs256).is_signed(kText, private_key(A::ps256).sign(kText).value()));
  }

  TEST_CASE("a public key cannot sign, and says so") {
    CHECK_FALSE(public_key(A::es256).can_sign());
    CHECK(public_key(A::es256).sign(kText).error().what ==
          "a public key verifies tokens; to sign one takes the private key");
    for (const Algorithm algorithm : kPublicAlgorithms) CHECK(private_key(algorithm).can_sign());
  }

  TEST_CASE("without an algorithm a key is for its curve's, and an RSA key for RS256") {
    for (const Algorithm algorithm : {A::rs256, A::es256, A::es384, A::es512, A::eddsa}) {
      CHECK(Key::of_pem(std::nullopt, pair_for(algorithm).public_pem)->algorithm() == algorithm);
    }
    CHECK(Key::of_pem(std::nullopt, make_edwards_pair("ED448").public_pem)->algorithm() ==
          A::eddsa);
  }

  TEST_CASE("an Ed448 key signs and verifies too") {
    const KeyPair pair = make_edwards_pair("ED448");
    const auto signature = Key::of_pem(A::eddsa, pair.private_pem)->sign(kText);
    CHECK(Key::of_pem(A::eddsa, pair.public_pem)->is_signed(kText, signature.value()));
    CHECK_FALSE(public_key(A::eddsa).is_signed(kText, signature.value()));
  }

  TEST_CASE("a failed verification leaves nothing in the queue that TLS reads its errors from") {
    CHECK_FALSE(public_key(A::rs256).is_signed(kText, "not a signature"));
    CHECK_FALSE(public_key(A::es256).is_signed(kText, std::string(64, '\xff')));
    CHECK(of_pem(A::rs256, "-----BEGIN PUBLIC KEY-----\nAAAA\n") != "accepted");
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_SUITE("ECDSA signature") {
  TEST_CASE("it has the length of two numbers, not a byte less or more") {
    for (const Algorithm algorithm : {A::es256, A::es384, A::es512}) {
      const auto signature = private_key(algorithm).sign(kText).value();
      CHECK(signature.size() == 2 * row_of(algorithm).number_bytes);
      const Key key = public_key(algorithm);
      CHECK_FALSE(key.is_signed(kText, signature.substr(0, signature.size() - 1)));
      CHECK_FALSE(key.is_signed(kText, signature.substr(1)));
      CHECK_FALSE(key.is_signed(kText, signature + '\0'));
      CHECK_FALSE(key.is_signed(kText, '\0' + signature));
      CHECK_FALSE(key.is_signed(kText, signature + signature));
    }
  }

  TEST_CASE("the DER form is refused") {
    const std::string der = der_signature(pair_for(A::es256));
    CHECK_FALSE(public_key(A::es256).is_signed(kText, der));
  }

  TEST_CASE("zero is no r and no s") {
    const auto signature = private_key(A::es256).sign(kText).value();
    const std::string zero(32, '\0');
    const Key key = public_key(A::es256);
    CHECK_FALSE(key.is_signed(kText, zero + signature.substr(32)));
    CHECK_FALSE(key.is_signed(kText, signature.substr(0, 32) + zero));
    CHECK_FALSE(key.is_signed(kText, zero + zero));
  }

  TEST_CASE("r and s are below the order of the curve") {
    const auto signature = private_key(A::es256).sign(kText).value();
    const std::string most(32, '\xff');
    CHECK_FALSE(public_key(A::es256).is_signed(kText, most + signature.substr(32)));
    CHECK_FALSE(public_key(A::es256).is_signed(kText, signature.substr(0, 32) + most));
  }
}

TEST_SUITE("Key fault") {
  TEST_CASE("a secret shorter than its digest is refused, with a way to make a good one") {
    CHECK(of_secret(A::hs256, "too short") ==
          "the secret has 9 bytes; HS256 needs 32 or more, as `openssl rand -hex 32` makes them");
    CHECK(of_secret(A::hs512, std::string(63, 'x')).find("HS512 needs 64 or more") !=
          std::string::npos);
    CHECK(of_secret(A::hs256, std::string(32, 'x')) == "accepted");
  }

  TEST_CASE("a public key is not taken for a shared secret") {
    for (const Algorithm algorithm : {A::hs256, A::hs384, A::hs512}) {
      CHECK(of_secret(algorithm, pair_for(A::rs256).public_pem)
                .find("needs a shared secret, not a PEM key") != std::string::npos);
    }
    CHECK(of_pem(A::hs256, pair_for(A::rs256).public_pem) ==
          "HS256 needs a shared secret, not a PEM key");
  }

  TEST_CASE("a secret is not taken for a public key") {
    CHECK(of_secret(A::rs256, std::string(64, 'x')) ==
          "RS256 needs a PEM key, not a shared secret");
    CHECK(of_pem(A::rs256, std::string(64, 'x')) ==
          "no PEM public key, certificate or private key is in it");
  }

  TEST_CASE("a key of another type or another curve is refused") {
    CHECK(of_pem(A::rs256, pair_for(A::es256).public_pem) == "RS256 needs an RSA key");
    CHECK(of_pem(A::es256, pair_for(A::rs256).public_pem) ==
          "ES256 needs an EC key on the curve P-256");
    CHECK(of_pem(A::es256, pair_for(A::es384).public_pem) ==
          "ES256 needs an EC key on the curve P-256");
    CHECK(of_pem(A::eddsa, pair_for(A::es256).public_pem) == "EdDSA needs an Ed25519 or Ed448 key");
    CHECK(of_pem(std::nullopt, make_ec_pair("secp256k1").public_pem)
              .find("a curve that is not supported") != std::string::npos);
  }

  TEST_CASE("an RSA key is neither too short to be safe nor too long to be verified") {
    CHECK(of_pem(A::rs256, make_rsa_pair(1024).public_pem) ==
          "the RSA key has 1024 bits; from 2048 to 8192 are taken");
  }

  TEST_CASE("an encrypted key is refused without asking for a passphrase") {
    const CHandle<BIO, BIO_free_all> bio(
        BIO_new_mem_buf(pair_for(A::es256).private_pem.data(), -1));
    const CHandle<EVP_PKEY, EVP_PKEY_free> pkey(
        PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    const CHandle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
    std::string phrase = "secret";
    PEM_write_bio_PrivateKey(out.get(), pkey.get(), EVP_aes_128_cbc(),
                             reinterpret_cast<unsigned char*>(phrase.data()), 6, nullptr, nullptr);
    CHECK(of_pem(A::es256, take_text(out.get())) ==
          "the PEM key is encrypted; give it without a passphrase");
  }

  TEST_CASE("an unknown algorithm is answered with those that are known") {
    CHECK(parse_algorithm("ES384") == A::es384);
    CHECK(parse_algorithm("none").error().what ==
          "\"none\" is not an algorithm that is supported: HS256, HS384, HS512, RS256, RS384, "
          "RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA");
  }
}

}  // namespace
}  // namespace sluice::auth
