/// What both sides' contexts have in common: versions, ciphers, modes, and certificates from files;
/// and how the name of a server is checked. For this layer's .cc files only.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "tls/handles.h"

namespace sluice::tls {

/// TLS 1.2 and 1.3 with the ciphers of Mozilla's intermediate profile 5.7, without renegotiation
/// and compression; writes may be partial and their bytes may move.
Result<void> set_profile(SSL_CTX* context);

/// For reading `text`, which must outlive it.
BioPtr reader_of(std::string_view text);
/// Of the error that a loop over what stands in a PEM file has ended by: there is no more in it.
bool is_end_of_pem();
/// A chain in PEM form, the leaf first. One that has expired is a warning in the log.
Result<void> load_certificate(SSL_CTX* context, const std::string& file);
/// Authorities in PEM form, which the context trusts from now on; and what they have revoked.
Result<void> load_authorities(SSL_CTX* context, const std::string& file);
/// A key in PEM form, not encrypted, that belongs to the certificate loaded before.
Result<void> load_key(SSL_CTX* context, const std::string& key_file,
                      const std::string& certificate_file);

/// The client's side: the certificate must be for `host`, which is told to the server (SNI) if it
/// is a name (RFC 6066 §3: no address, no dot at its end). False: no server can have that name.
bool expect_host(SSL* ssl, const std::string& host);

}  // namespace sluice::tls
