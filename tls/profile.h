/// What both sides' contexts have in common: versions, ciphers, modes, and certificates from files;
/// and how the name of a server is checked. For this layer's .cc files only.
#pragma once

#include <string>

#include "gateway/base/result.h"
#include "tls/handles.h"

namespace sluice::tls {

/// TLS 1.2 and 1.3 with the ciphers of Mozilla's intermediate profile 5.7, without renegotiation
/// and compression; writes may be partial and their bytes may move.
Result<void> set_profile(SSL_CTX* context);

/// An error that names the file if it cannot be opened. `kind`: "certificate".
Result<void> check_readable(const char* kind, const std::string& file);
/// A chain in PEM form, the leaf first. One that has expired is a warning in the log.
Result<void> load_certificate(SSL_CTX* context, const std::string& file);
/// A key in PEM form, not encrypted, that belongs to the certificate loaded before.
Result<void> load_key(SSL_CTX* context, const std::string& key_file,
                      const std::string& certificate_file);

/// The client's side: the certificate must be for `host`, which is told to the server (SNI) if it
/// is a name (RFC 6066 §3: no address, no dot at its end). False: no server can have that name.
bool expect_host(SSL* ssl, const std::string& host);

}  // namespace sluice::tls
