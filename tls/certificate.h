/// Certificate: a chain, its key, the names that it is for, and the OCSP response that is stapled
/// to it. Read from files once; to take a renewed one, read the files again.
///
/// Its names are the DNS names of its subject alternative names (RFC 6125 §6.4.4): whole ones, and
/// those whose first label is "*". Of one without any it is the common name.
///
/// Owner   shared by the contexts that were made of it; immutable.
/// Thread  any.
/// Errors  load() names the file and what is wrong with it. What does not keep it from being used
///         is a warning in the log: it has expired; its OCSP response is of no use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"

struct ssl_ctx_st;

namespace sluice::tls {

struct CertificateFiles {
  std::string certificate;  ///< PEM, the leaf first, then the chain.
  std::string key;          ///< PEM, not encrypted.
  std::string ocsp{};       ///< An OCSP response in DER form; empty: nothing is stapled.
};

/// What an OCSP file holds, if it can be used.
struct Staple {
  std::string response;  ///< DER; empty: none.
  WallTime ends{};       ///< From then on it is of no use. The epoch: it does not say.

  [[nodiscard]] bool is_good(WallTime now) const {
    return !response.empty() && (ends == WallTime{} || now < ends);
  }
};

class Certificate {
 public:
  static Result<std::shared_ptr<const Certificate>> load(const CertificateFiles& files);
  ~Certificate();
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  /// In lower case: "app.example", "*.app.example".
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const CertificateFiles& files() const { return files_; }
  [[nodiscard]] WallTime expires() const { return expires_; }
  [[nodiscard]] const Staple& staple() const { return staple_; }

  /// For Context: a context with this certificate and nothing else.
  [[nodiscard]] ssl_ctx_st* handle() const { return handle_; }

 private:
  Certificate(ssl_ctx_st* handle, CertificateFiles files);

  ssl_ctx_st* const handle_;
  const CertificateFiles files_;
  std::vector<std::string> names_;
  WallTime expires_{};
  Staple staple_;
};

}  // namespace sluice::tls
