#include <chrono>

#include "gateway/server/config_rows.h"
#include "gateway/server/config_table.h"

namespace sluice::server {

using namespace std::chrono_literals;

std::vector<Row<Config>> tls_rows() {
  using C = Make<Config>;
  std::vector<Row<Config>> rows{
      C::text("tls.certificate", "PEM file: the certificate, then its chain.",
              SLUICE_AT(tls.certificate.certificate)),
      C::text("tls.key", "PEM file: the certificate's private key, not encrypted.",
              SLUICE_AT(tls.certificate.key)),
      C::text("tls.ocsp",
              "DER file: an OCSP response for the certificate, which is stapled as long as it is "
              "valid. One that is of no use is a warning in the log.",
              SLUICE_AT(tls.certificate.ocsp)),
      C::tables("tls.certificates", "array of tables",
                "Further certificates, as [[tls.certificates]]: who asks for one of their names "
                "gets them. The one of [tls], or else the first, is for everybody else."),
      C::list("tls.ticket_keys",
              "Files of 48 or 80 bytes that session tickets are encrypted with, the same for all "
              "instances that clients may come back to: the first encrypts, all decrypt. Without "
              "any: random keys of this process.",
              SLUICE_AT(tls.ticket_keys)),
      C::duration("tls.ticket_rotation", {1min, 24h * 7},
                  "How often a random key is replaced; the former one decrypts for as long again.",
                  SLUICE_AT(tls.ticket_rotation)),
      C::count("tls.tickets", {0, 10},
               "Session tickets sent after a handshake; 0: no connection is resumed.",
               SLUICE_AT(tls.tickets)),
      C::text("tls.client_ca",
              "PEM file: whose signature makes a client's certificate good. For listeners with "
              "`client_certificates`.",
              SLUICE_AT(tls.client_ca)),
      C::duration("tls.watch", {0ms, 1h},
                  "How often the files of [tls] are looked at; what has changed, and stands still "
                  "for one look, is taken over as by a reload. 0s: never.",
                  SLUICE_AT(tls.watch)),
      C::duration("tls.expiry_warning", {0ms, 24h * 365},
                  "A certificate that expires within this time is a warning in the log, once a "
                  "day. 0s: never.",
                  SLUICE_AT(tls.expiry_warning)),
  };
  for (Row<Config>& row : rows) row.is_live = true;
  return rows;
}

const std::vector<Row<tls::CertificateFiles>>& certificate_rows() {
  using F = Make<tls::CertificateFiles>;
  static const std::vector<Row<tls::CertificateFiles>> rows{
      F::text("certificate", "PEM file: the certificate, then its chain. Its names are in it.",
              SLUICE_AT(certificate)),
      F::text("key", "PEM file: its private key, not encrypted.", SLUICE_AT(key)),
      F::text("ocsp", "DER file: an OCSP response for it, to be stapled.", SLUICE_AT(ocsp)),
  };
  return rows;
}

}  // namespace sluice::server
