/// Key pairs that are made when a test asks for them: no private key is in the repository.
#pragma once

#include <map>
#include <string>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "gateway/auth/key.h"
#include "gateway/base/c_handle.h"

namespace sluice::auth {

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};

inline std::string take_text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

inline KeyPair pem_of(EVP_PKEY* pkey) {
  const CHandle<BIO, BIO_free_all> secret(BIO_new(BIO_s_mem()));
  const CHandle<BIO, BIO_free_all> open(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(secret.get(), pkey, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(open.get(), pkey);
  return {take_text(secret.get()), take_text(open.get())};
}

/// A new pair: "RSA" of so many bits, "EC" on that curve, "ED25519", "ED448".
inline KeyPair make_rsa_pair(unsigned bits) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> pkey(EVP_RSA_gen(bits));
  return pem_of(pkey.get());
}
inline KeyPair make_ec_pair(const char* curve) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> pkey(EVP_EC_gen(curve));
  return pem_of(pkey.get());
}
inline KeyPair make_edwards_pair(const char* type) {
  const CHandle<EVP_PKEY, EVP_PKEY_free> pkey(EVP_PKEY_Q_keygen(nullptr, nullptr, type));
  return pem_of(pkey.get());
}

/// The pair of this program for an algorithm; always the same one.
inline const KeyPair& pair_for(Algorithm algorithm) {
  static std::map<std::string, KeyPair> pairs;
  const AlgorithmRow& row = row_of(algorithm);
  const std::string name = row.type == KeyType::rsa ? "RSA" : std::string(row.name);
  if (const auto at = pairs.find(name); at != pairs.end()) return at->second;
  KeyPair made;
  if (row.type == KeyType::rsa) made = make_rsa_pair(2048);
  if (row.type == KeyType::ec) made = make_ec_pair(std::string(row.curve).c_str());
  if (row.type == KeyType::edwards) made = make_edwards_pair("ED25519");
  return pairs.emplace(name, std::move(made)).first->second;
}

inline Key private_key(Algorithm algorithm) {
  return Key::of_pem(algorithm, pair_for(algorithm).private_pem).value();
}
inline Key public_key(Algorithm algorithm) {
  return Key::of_pem(algorithm, pair_for(algorithm).public_pem).value();
}

}  // namespace sluice::auth
