#include "tls/certificate.h"

#include <ctime>
#include <string_view>
#include <utility>

#include <openssl/x509v3.h>

#include "gateway/base/ascii.h"
#include "gateway/base/log.h"
#include "tls/names.h"
#include "tls/ocsp.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

/// "*" for the whole of the first label, or no "*" at all.
bool is_usable(std::string_view name) {
  const std::string_view rest = name.starts_with("*.") ? name.substr(2) : name;
  return !rest.empty() && rest.find('*') == rest.npos;
}

std::vector<std::string> names_of(const X509* leaf) {
  std::vector<std::string> names = alternative_names(leaf).dns;
  if (names.empty()) {
    if (std::string name = common_name(leaf); !name.empty()) names.push_back(std::move(name));
  }
  std::vector<std::string> usable;
  for (std::string& name : names) {
    if (is_usable(name)) usable.push_back(to_lower(name));
  }
  return usable;
}

WallTime end_of(const X509* leaf) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &utc) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

}  // namespace

Certificate::Certificate(ssl_ctx_st* handle, CertificateFiles files)
    : handle_(handle), files_(std::move(files)) {
  const X509* leaf = SSL_CTX_get0_certificate(handle_);
  names_ = names_of(leaf);
  expires_ = end_of(leaf);
}

Certificate::~Certificate() {
  SSL_CTX_free(handle_);
}

Result<std::shared_ptr<const Certificate>> Certificate::load(const CertificateFiles& files) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return fail(Errc::io, "cannot set up TLS: " + take_error());
  if (auto loaded = load_certificate(context.get(), files.certificate); !loaded) {
    return tl::unexpected(loaded.error());
  }
  if (auto loaded = load_key(context.get(), files.key, files.certificate); !loaded) {
    return tl::unexpected(loaded.error());
  }
  const std::shared_ptr<Certificate> made(new Certificate(context.release(), files));
  if (files.ocsp.empty()) return made;
  if (auto staple = read_staple(files.ocsp, made->handle_)) {
    made->staple_ = std::move(*staple);
  } else {
    log::warning("{}; nothing is stapled to {}", staple.error().what, files.certificate);
  }
  return made;
}

}  // namespace sluice::tls
