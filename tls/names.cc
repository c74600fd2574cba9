#include "tls/names.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <openssl/x509v3.h>

namespace sluice::tls {
namespace {

using NamesPtr = CHandle<GENERAL_NAMES, GENERAL_NAMES_free>;

bool is_printable(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string text_of(const ASN1_STRING* string) {
  const auto* data =
      static_cast<const char*>(static_cast<const void*>(ASN1_STRING_get0_data(string)));
  return {data, static_cast<std::size_t>(ASN1_STRING_length(string))};
}

}  // namespace

PeerCertificate alternative_names(const X509* certificate) {
  PeerCertificate found;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    std::vector<std::string>* into = type == GEN_DNS     ? &found.dns
                                     : type == GEN_URI   ? &found.uris
                                     : type == GEN_EMAIL ? &found.emails
                                                         : nullptr;
    if (into == nullptr || value == nullptr) continue;
    std::string text = text_of(static_cast<const ASN1_STRING*>(value));
    if (is_printable(text)) into->push_back(std::move(text));
  }
  return found;
}

std::string common_name(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) last = at;
  if (last < 0) return {};
  std::string text = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  return is_printable(text) ? text : std::string();
}

std::string subject_of(const X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr) return {};
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  if (size <= 0) return {};
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace sluice::tls
