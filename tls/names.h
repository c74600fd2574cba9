/// The names in a certificate, as text. For this layer's .cc files only.
///
/// Thread  any; pure functions.
/// Invariant  what they give is printable ASCII: anything else in a name is an attempt at something
///            (a NUL that ends it for some readers, a line break), and that name is left out.
#pragma once

#include <string>

#include "gateway/base/peer_certificate.h"
#include "tls/handles.h"

namespace sluice::tls {

/// All but the subject, which stays empty.
[[nodiscard]] PeerCertificate alternative_names(const X509* certificate);
/// The last of its subject; empty: there is none.
[[nodiscard]] std::string common_name(const X509* certificate);
/// "CN=app,O=Example": RFC 2253, with what is not printable escaped.
[[nodiscard]] std::string subject_of(const X509* certificate);

}  // namespace sluice::tls
