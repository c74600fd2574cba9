#include "tls/ocsp.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <openssl/ocsp.h>

#include "gateway/base/file.h"
#include "tls/profile.h"

namespace sluice::tls {
namespace {

using ResponsePtr = CHandle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using BasicPtr = CHandle<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using IdPtr = CHandle<OCSP_CERTID, OCSP_CERTID_free>;
using StorePtr = CHandle<X509_STORE, X509_STORE_free>;

/// Clocks differ.
constexpr long kSkew = 300;
/// Real ones have one to five kilobytes.
constexpr std::size_t kMost = 64_KiB;

struct Chain {
  X509* leaf = nullptr;
  X509* issuer = nullptr;  ///< Null: it is not in the file.
  STACK_OF(X509) * rest = nullptr;
};

Chain chain_of(SSL_CTX* context) {
  Chain chain{.leaf = SSL_CTX_get0_certificate(context)};
  SSL_CTX_get0_chain_certs(context, &chain.rest);
  if (X509_check_issued(chain.leaf, chain.leaf) == X509_V_OK) chain.issuer = chain.leaf;
  for (int i = 0; i < sk_X509_num(chain.rest); ++i) {
    X509* each = sk_X509_value(chain.rest, i);
    if (X509_check_issued(each, chain.leaf) == X509_V_OK) chain.issuer = each;
  }
  return chain;
}

/// The part about the leaf, whichever digest it is named by.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, const Chain& chain) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    // Its signature takes no const; nothing of it changes.
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
    ASN1_OBJECT* digest = nullptr;
    if (OCSP_id_get0_info(nullptr, &digest, nullptr, nullptr, id) != 1) continue;
    const EVP_MD* algorithm = EVP_get_digestbyobj(digest);
    if (algorithm == nullptr) continue;
    const IdPtr ours(OCSP_cert_to_id(algorithm, chain.leaf, chain.issuer));
    if (ours != nullptr && OCSP_id_cmp(ours.get(), id) == 0) return single;
  }
  return nullptr;
}

bool is_signed(OCSP_BASICRESP* basic, const Chain& chain) {
  const StorePtr trusted(X509_STORE_new());
  if (trusted == nullptr || X509_STORE_add_cert(trusted.get(), chain.issuer) != 1) return false;
  X509_STORE_set_flags(trusted.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return OCSP_basic_verify(basic, chain.rest, trusted.get(), 0) == 1;
}

WallTime time_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm utc{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &utc) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

/// Why it is of no use; empty: it is. `ends` is when it ceases to be.
std::string objection(OCSP_RESPONSE* response, const Chain& chain, WallTime& ends) {
  const int status = OCSP_response_status(response);
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return fmt::format("the responder had no answer ({})", OCSP_response_status_str(status));
  }
  if (chain.issuer == nullptr) {
    return "the certificate's issuer does not stand behind it in its file, and without that it "
           "cannot be checked";
  }
  const BasicPtr basic(OCSP_response_get1_basic(response));
  OCSP_SINGLERESP* single = basic ? find_single(basic.get(), chain) : nullptr;
  if (single == nullptr) return "it is for another certificate";
  if (!is_signed(basic.get(), chain)) {
    return "it was not signed by the certificate's issuer, nor by whom that one allowed to";
  }
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* to = nullptr;
  const int verdict = OCSP_single_get0_status(single, nullptr, nullptr, &from, &to);
  if (OCSP_check_validity(from, to, kSkew, -1) != 1) {
    return "it is not valid now (" + take_error() + "); fetch a new one";
  }
  if (verdict != V_OCSP_CERTSTATUS_GOOD) {
    return fmt::format("it says that the certificate is {}", OCSP_cert_status_str(verdict));
  }
  ends = time_of(to);
  return {};
}

}  // namespace

Result<Staple> read_staple(const std::string& file, SSL_CTX* context) {
  auto bytes = read_file(file, "the OCSP response file", kMost);
  if (!bytes) return tl::unexpected(bytes.error());
  ERR_clear_error();
  Staple staple{.response = std::move(*bytes)};
  const auto* begin =
      static_cast<const unsigned char*>(static_cast<const void*>(staple.response.data()));
  const unsigned char* at = begin;
  const ResponsePtr response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(staple.response.size())));
  ERR_clear_error();
  if (response == nullptr || at != begin + staple.response.size()) {
    return fail(Errc::invalid, fmt::format("{} is no OCSP response in DER form", file));
  }
  std::string wrong = objection(response.get(), chain_of(context), staple.ends);
  ERR_clear_error();
  if (wrong.empty()) return staple;
  return fail(Errc::invalid, fmt::format("the OCSP response in {} is of no use: {}", file, wrong));
}

}  // namespace sluice::tls
