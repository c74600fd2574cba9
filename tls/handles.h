/// Owners for OpenSSL's handles, and its errors as text. For this layer's .cc files only.
#pragma once

#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "gateway/base/c_handle.h"

namespace sluice::tls {

using SslContextPtr = CHandle<SSL_CTX, SSL_CTX_free>;
using BioPtr = CHandle<BIO, BIO_free_all>;
using KeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;
using CertificatePtr = CHandle<X509, X509_free>;

/// For the beginning of every call whose result SSL_get_error() is to explain. Mostly there is
/// nothing to forget, and to see that is cheaper than to clear all sixteen places for errors.
inline void forget_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

/// The innermost reason of what just failed; empties the thread's error queue.
inline std::string take_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  char text[128];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

}  // namespace sluice::tls
