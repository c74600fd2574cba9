/// ClientCa: by whose signature clients' certificates are believed.
///
/// Each certificate in the file is trusted as it stands: a root, an intermediate one, or a client's
/// own. Clients are told the names of all.
///
/// Owner   shared by the contexts that ask for certificates; immutable.
/// Thread  any.
/// Errors  load() names the file and what is wrong with it.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "gateway/base/result.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace sluice::tls {

class ClientCa {
 public:
  /// `file`: certificates in PEM form.
  static Result<std::shared_ptr<const ClientCa>> load(const std::string& file);
  ~ClientCa();
  ClientCa(const ClientCa&) = delete;
  ClientCa& operator=(const ClientCa&) = delete;

  /// For Context: contexts with other digests do not resume each other's sessions, or who was let
  /// in by an authority would come in still when that is no longer trusted.
  [[nodiscard]] const std::array<unsigned char, 32>& digest() const { return digest_; }
  /// For Context: clients of `context` are believed by these.
  [[nodiscard]] bool use_for(ssl_ctx_st* context) const;

 private:
  explicit ClientCa(x509_store_st* store) : store_(store) {}

  x509_store_st* const store_;
  std::array<unsigned char, 32> digest_{};
};
using ClientCaPtr = std::shared_ptr<const ClientCa>;

}  // namespace sluice::tls
