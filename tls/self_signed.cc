#include "tls/self_signed.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "gateway/base/file.h"
#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

using ExtensionPtr = CHandle<X509_EXTENSION, X509_EXTENSION_free>;
using NumberPtr = CHandle<BIGNUM, BN_free>;

constexpr std::chrono::hours kLifetime = std::chrono::days(397);

struct ExtensionText {
  int id;
  const char* value;
};
/// Not an authority: Firefox refuses an authority's certificate as a server's own.
constexpr ExtensionText kExtensions[] = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_key_usage, "critical,digitalSignature"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_alt_name, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1"},
    {NID_subject_key_identifier, "hash"},
};

bool set_serial(X509* certificate) {
  const NumberPtr serial(BN_new());
  return serial != nullptr &&
         BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = static_cast<const unsigned char*>(static_cast<const void*>("localhost"));
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

bool add_extensions(X509* certificate) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  for (const ExtensionText& text : kExtensions) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, text.id, text.value));
    if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1) return false;
  }
  return true;
}

CertificatePtr make_certificate(EVP_PKEY* key) {
  CertificatePtr certificate(X509_new());
  if (certificate == nullptr) return nullptr;
  X509* x = certificate.get();
  // From an hour ago, for clients whose clock is behind ours.
  constexpr long kEarlier = 3600;
  constexpr long kSeconds = std::chrono::seconds(kLifetime).count();
  const bool made = X509_set_version(x, 2) == 1 && set_serial(x) &&
                    X509_gmtime_adj(X509_getm_notBefore(x), -kEarlier) != nullptr &&
                    X509_gmtime_adj(X509_getm_notAfter(x), kSeconds - kEarlier) != nullptr &&
                    X509_set_pubkey(x, key) == 1 && set_name(x) && add_extensions(x) &&
                    X509_sign(x, key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

/// What was written into a memory BIO; good as long as that.
std::string_view text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

Result<void> write_file(const std::string& file, std::string_view text, mode_t mode) {
  const std::string draft = fmt::format("{}.{}.new", file, ::getpid());
  ::unlink(draft.c_str());
  UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  const bool written = fd && write_all(fd.get(), text) && ::fsync(fd.get()) == 0 &&
                       ::rename(draft.c_str(), file.c_str()) == 0;
  if (written) return {};
  const int error = errno;
  if (fd) ::unlink(draft.c_str());
  return fail(Errc::io,
              fmt::format("cannot write {}: {}", file, std::generic_category().message(error)));
}

}  // namespace

Result<void> make_self_signed(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate = key == nullptr ? nullptr : make_certificate(key.get());
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const bool made = certificate != nullptr && key_text != nullptr && certificate_text != nullptr &&
                    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1 &&
                    PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1;
  if (!made) return fail(Errc::io, "cannot make a certificate: " + take_error());
  if (auto done = write_file(key_file, text_of(key_text.get()), 0600); !done) return done;
  return write_file(certificate_file, text_of(certificate_text.get()), 0644);
}

bool expires_within(const std::string& file, std::chrono::hours time) {
  const auto text = read_file(file);
  if (!text) return true;
  ERR_clear_error();
  const BioPtr in = reader_of(*text);
  const CertificatePtr certificate(
      in == nullptr ? nullptr : PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return true;
  std::time_t then =
      std::time(nullptr) + static_cast<std::time_t>(std::chrono::seconds(time).count());
  return X509_cmp_time(X509_get0_notAfter(certificate.get()), &then) <= 0;
}

}  // namespace sluice::tls
