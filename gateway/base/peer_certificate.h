/// PeerCertificate: who the other side of a TLS connection has proved to be.
///
/// Thread  a plain value; shared and immutable once the connection speaks.
/// Invariant  printable ASCII only: it may stand in a header and in the log as it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace sluice {

struct PeerCertificate {
  std::string subject;              ///< "CN=app,O=Example" (RFC 2253).
  std::vector<std::string> dns;     ///< Of its subject alternative names, in their order.
  std::vector<std::string> uris;    ///< The same: "spiffe://example/app".
  std::vector<std::string> emails;  ///< The same.
};
/// Null: it has proved nothing.
using PeerCertificatePtr = std::shared_ptr<const PeerCertificate>;

}  // namespace sluice
