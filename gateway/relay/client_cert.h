/// The client's certificate, as upstreams are told of it: `x-forwarded-client-cert`, in Envoy's
/// form.
///
///   Subject="CN=app,O=Example";URI=spiffe://example/app;DNS=app.internal
///
/// Thread  any; a pure function.
#pragma once

#include <string>

#include "gateway/base/peer_certificate.h"

namespace sluice::relay {

inline constexpr const char* kClientCert = "x-forwarded-client-cert";

[[nodiscard]] std::string client_cert_field(const PeerCertificate& certificate);

}  // namespace sluice::relay
