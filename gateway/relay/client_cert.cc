#include "gateway/relay/client_cert.h"

#include <string_view>
#include <vector>

namespace sluice::relay {
namespace {

std::string quoted(std::string_view text) {
  std::string safe = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += c;
  }
  return safe + '"';
}

/// A name with a character of the form's own could say more than it is.
void add_names(std::string& field, std::string_view kind, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool is_plain = name.find_first_of(";,=\"\\") == name.npos;
    field += ';';
    field += kind;
    field += '=';
    field += is_plain ? name : quoted(name);
  }
}

}  // namespace

std::string client_cert_field(const PeerCertificate& certificate) {
  std::string field = "Subject=" + quoted(certificate.subject);
  add_names(field, "URI", certificate.uris);
  add_names(field, "DNS", certificate.dns);
  return field;
}

}  // namespace sluice::relay
