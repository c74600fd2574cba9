#include "tls/client_ca.h"

#include <utility>

#include <fmt/format.h>
#include <openssl/pem.h>

#include "gateway/base/file.h"
#include "tls/handles.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

using DigestPtr = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;

void free_names(STACK_OF(X509_NAME) * names) {
  sk_X509_NAME_pop_free(names, X509_NAME_free);
}
using NamesPtr = CHandle<STACK_OF(X509_NAME), free_names>;

/// Adds each certificate of the file to both; how many there were.
int read_all(BIO* in, X509_STORE* store, EVP_MD_CTX* digest) {
  int count = 0;
  while (true) {
    const CertificatePtr each(PEM_read_bio_X509(in, nullptr, nullptr, nullptr));
    if (each == nullptr) return count;
    if (X509_STORE_add_cert(store, each.get()) != 1) return 0;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(each.get(), EVP_sha256(), bytes, &size) != 1) return 0;
    if (EVP_DigestUpdate(digest, bytes, size) != 1) return 0;
    ++count;
  }
}

}  // namespace

Result<std::shared_ptr<const ClientCa>> ClientCa::load(const std::string& file) {
  const auto text = read_file(file, "the client CA file");
  if (!text) return tl::unexpected(text.error());
  ERR_clear_error();
  const BioPtr in = reader_of(*text);
  const std::shared_ptr<ClientCa> made(new ClientCa(X509_STORE_new()));
  const DigestPtr digest(EVP_MD_CTX_new());
  if (in == nullptr || made->store_ == nullptr || digest == nullptr ||
      EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
    return fail(Errc::io, fmt::format("cannot read {}: {}", file, take_error()));
  }
  const int count = read_all(in.get(), made->store_, digest.get());
  if (count == 0 || !is_end_of_pem()) {
    return fail(Errc::invalid,
                fmt::format("{} does not hold certificates in PEM form, each whole: {}", file,
                            take_error()));
  }
  ERR_clear_error();
  X509_STORE_set_flags(made->store_, X509_V_FLAG_PARTIAL_CHAIN);
  EVP_DigestFinal_ex(digest.get(), made->digest_.data(), nullptr);
  return made;
}

ClientCa::~ClientCa() {
  X509_STORE_free(store_);
}

bool ClientCa::use_for(ssl_ctx_st* context) const {
  NamesPtr names(sk_X509_NAME_new_null());
  STACK_OF(X509_OBJECT)* all = X509_STORE_get0_objects(store_);
  for (int i = 0; i < sk_X509_OBJECT_num(all); ++i) {
    const X509* each = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));
    X509_NAME* name = each ? X509_NAME_dup(X509_get_subject_name(each)) : nullptr;
    if (name == nullptr || sk_X509_NAME_push(names.get(), name) == 0) return false;
  }
  SSL_CTX_set_client_CA_list(context, names.release());
  // Not the context's own store: what is in that would be sent along with our certificate.
  // What SSL_CTX_set1_verify_cert_store() does, without its cast.
  return SSL_CTX_ctrl(context, SSL_CTRL_SET_VERIFY_CERT_STORE, 1, store_) == 1;
}

}  // namespace sluice::tls
