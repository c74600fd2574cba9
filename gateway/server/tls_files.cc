#include "gateway/server/tls_files.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/server/config.h"

namespace sluice::server {
namespace {

using tls::ClientCertificates;

class Loader {
 public:
  explicit Loader(Config& config) : config_(config), options_(config.tls) {}

  std::vector<Fault> run() {
    check_listeners();
    if (std::none_of(config_.listens.begin(), config_.listens.end(),
                     [](const Listen& listen) { return listen.tls; })) {
      return std::move(faults_);
    }
    const tls::CertificateFiles& own = options_.certificate;
    const bool has_own = !own.certificate.empty() || !own.key.empty() || !own.ocsp.empty();
    if (has_own || options_.certificates.empty()) read_own();
    for (std::size_t i = 0; i < options_.certificates.size(); ++i) read_further(i);
    read_ticket_keys();
    read_client_ca();
    if (faults_.empty()) config_.tls_files = std::move(files_);
    return std::move(faults_);
  }

 private:
  void check_listeners();
  void read_own();
  void read_further(std::size_t index);
  void read(const tls::CertificateFiles& files, const std::string& key);
  void read_ticket_keys();
  void read_client_ca();

  void fault(std::initializer_list<std::string_view> keys, std::string message) {
    const Place place = place_of(config_.places, keys);
    faults_.push_back({config_.file, place.line, place.column, std::move(message)});
  }
  void stamp(const std::string& path) {
    if (!path.empty()) files_.stamps.push_back(stamp_of(path));
  }

  Config& config_;
  const TlsOptions& options_;
  TlsFiles files_;
  std::vector<Fault> faults_;
};

void Loader::check_listeners() {
  for (std::size_t i = 0; i < config_.listens.size(); ++i) {
    const Listen& listen = config_.listens[i];
    if (listen.client_certificates == ClientCertificates::off) continue;
    const std::string key = fmt::format("listen[{}].client_certificates", i);
    if (!listen.tls) {
      fault({key}, "listen.client_certificates: a listener in clear text cannot ask for them");
    } else if (options_.client_ca.empty()) {
      fault({key},
            "listen.client_certificates: nobody would be believed; give tls.client_ca, a PEM file "
            "with the certificates of the authority that signs them");
    }
  }
}

void Loader::read_own() {
  const tls::CertificateFiles& own = options_.certificate;
  if (!own.certificate.empty() && !own.key.empty()) return read(own, "tls.certificate");
  const auto listen = std::find_if(config_.listens.begin(), config_.listens.end(),
                                   [](const Listen& each) { return each.tls; });
  const auto table = fmt::format("listen[{}]", listen - config_.listens.begin());
  // What was meant as [[tls.certificates]] is a fault already, at that place.
  fault({"tls.certificate", "tls.key", "tls.certificates", table},
        fmt::format("a listener with TLS needs tls.{}; give a PEM file, or set `tls = false` for "
                    "that listener",
                    own.certificate.empty() ? "certificate" : "key"));
}

void Loader::read_further(std::size_t index) {
  const tls::CertificateFiles& files = options_.certificates[index];
  const std::string table = fmt::format("tls.certificates[{}]", index);
  if (!files.certificate.empty() && !files.key.empty()) return read(files, table + ".certificate");
  fault({table + ".certificate", table + ".key", table},
        fmt::format("this [[tls.certificates]] has no {}; give a PEM file",
                    files.certificate.empty() ? "certificate" : "key"));
}

void Loader::read(const tls::CertificateFiles& files, const std::string& key) {
  for (const std::string* path : {&files.certificate, &files.key, &files.ocsp}) stamp(*path);
  if (auto loaded = tls::Certificate::load(files)) {
    files_.certificates.push_back(std::move(*loaded));
  } else {
    fault({key}, "tls: " + loaded.error().what);
  }
}

void Loader::read_ticket_keys() {
  for (const std::string& path : options_.ticket_keys) {
    stamp(path);
    if (auto key = tls::TicketKey::read(path)) {
      files_.ticket_keys.push_back(*key);
    } else {
      fault({"tls.ticket_keys"}, "tls.ticket_keys: " + key.error().what);
    }
  }
}

void Loader::read_client_ca() {
  if (options_.client_ca.empty()) return;
  stamp(options_.client_ca);
  if (auto loaded = tls::ClientCa::load(options_.client_ca)) {
    files_.client_ca = std::move(*loaded);
  } else {
    fault({"tls.client_ca"}, "tls.client_ca: " + loaded.error().what);
  }
}

}  // namespace

std::vector<Fault> read_tls_files(Config& config) {
  return Loader(config).run();
}

}  // namespace sluice::server
