/// Certified: the names in clients' certificates that may publish without a token.
///
/// Owner   server::Shared. Thread  any; a reload replaces the names: a mutex, held for the copy of
/// a pointer, and only where a certificate was shown.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/peer_certificate.h"

namespace sluice::server {

class Certified {
 public:
  explicit Certified(std::vector<std::string> names) { replace(std::move(names)); }

  void replace(std::vector<std::string> names);
  /// The first of the certificate's names (DNS, URI, e-mail, then its whole subject) that is among
  /// them; compared as they stand.
  [[nodiscard]] std::optional<std::string> find(const PeerCertificate& certificate) const;

 private:
  using Names = std::vector<std::string>;

  mutable std::mutex mutex_;
  std::shared_ptr<const Names> names_;  ///< Sorted. Guarded by mutex_.
};

}  // namespace sluice::server
