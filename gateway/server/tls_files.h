/// TlsFiles: what the files of [tls] hold. All of them are read, or none is taken.
///
/// Thread  main, before start; the control loop's, at a reload.
/// Errors  a fault for each key whose file is of no use, at its place.
#pragma once

#include <memory>
#include <vector>

#include "gateway/server/fault.h"
#include "gateway/server/file_watch.h"
#include "tls/certificate.h"
#include "tls/client_ca.h"
#include "tls/ticket_keys.h"

namespace sluice::server {

struct Config;

struct TlsFiles {
  /// The first is that of [tls], or of the first [[tls.certificates]] where that has none. Empty:
  /// no listener needs one.
  std::vector<std::shared_ptr<const tls::Certificate>> certificates;
  tls::TicketKeys::Set ticket_keys;  ///< Empty: random ones.
  tls::ClientCaPtr client_ca;        ///< Null: nobody asks for clients' certificates.
  std::vector<FileStamp> stamps;     ///< Of all of them, taken before they were read.
};

/// Reads the files of `config.tls` into `config.tls_files`, if a listener needs them; checks what
/// of [tls] and of client_certificates depends on each other.
std::vector<Fault> read_tls_files(Config& config);

}  // namespace sluice::server
