/// Instances: what this one does together with the others that share its journal, if there are any:
/// revocations, and presence.
///
/// Owner   server::Gateway. Thread  join(): main, before start; revoke(): any.
#pragma once

#include <string>

#include "gateway/server/metrics.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class Instances {
 public:
  Instances(Shared& shared, const Workers& workers) : shared_(shared), workers_(workers) {}

  void join();
  /// Ends the streams of a subject, here and at the others, and remembers that its tokens until now
  /// count no more.
  void revoke(const std::string& subject);

 private:
  void revoke_here(const std::string& subject, WallTime at);

  Shared& shared_;
  const Workers& workers_;
};

}  // namespace sluice::server
