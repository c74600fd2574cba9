/// OCSP responses (RFC 6960) as they lie in a file. For this layer's .cc files only.
///
/// Thread  any.
/// Errors  a sentence that names the file: it cannot be read, is none, was not signed by the
///         certificate's issuer or whom that allowed, is for another certificate, is not valid now,
///         or does not say "good".
#pragma once

#include <string>

#include "gateway/base/result.h"
#include "tls/certificate.h"
#include "tls/handles.h"

namespace sluice::tls {

/// For the certificate of `context`, whose issuer stands in its chain.
Result<Staple> read_staple(const std::string& file, SSL_CTX* context);

}  // namespace sluice::tls
