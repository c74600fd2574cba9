/// Options of [tls]: which files there are, and how they are kept fresh.
///
/// Thread  plain values; read-only once the workers run.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "gateway/base/units.h"
#include "tls/certificate.h"

namespace sluice::server {

struct TlsOptions {
  tls::CertificateFiles certificate;                ///< Of [tls] itself: for whom no other one is.
  std::vector<tls::CertificateFiles> certificates;  ///< [[tls.certificates]]
  std::size_t tickets = 1;                          ///< Session tickets per handshake; 0: none.
  std::vector<std::string> ticket_keys;             ///< Files; none: random keys of this process.
  Millis ticket_rotation{std::chrono::hours(12)};   ///< Of random keys.
  std::string client_ca;  ///< Whose signature makes a client's certificate.
  Millis watch{5'000};    ///< Between two looks at the files; 0: never.
  Millis expiry_warning{std::chrono::hours(24 * 14)};  ///< Before a certificate's end; 0: never.
};

}  // namespace sluice::server
