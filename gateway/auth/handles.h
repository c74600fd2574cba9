/// Owners for OpenSSL's handles. For this layer's .cc files only.
#pragma once

#include <string_view>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "gateway/base/c_handle.h"

namespace sluice::auth {

using PkeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;
using PkeyContextPtr = CHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContextPtr = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using MacPtr = CHandle<EVP_MAC, EVP_MAC_free>;
using MacContextPtr = CHandle<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using BioPtr = CHandle<BIO, BIO_free_all>;
using CertificatePtr = CHandle<X509, X509_free>;
using NumberPtr = CHandle<BIGNUM, BN_free>;
using EcdsaPtr = CHandle<ECDSA_SIG, ECDSA_SIG_free>;
using ParamBuilderPtr = CHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = CHandle<OSSL_PARAM, OSSL_PARAM_free>;

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Leaves the thread's error queue empty: what is left there would be taken for an error of the
/// next TLS connection that this thread reads.
class NoErrorsLeft {
 public:
  NoErrorsLeft() = default;
  NoErrorsLeft(const NoErrorsLeft&) = delete;
  NoErrorsLeft& operator=(const NoErrorsLeft&) = delete;
  ~NoErrorsLeft() { ERR_clear_error(); }
};

}  // namespace sluice::auth
