/// Reload: takes over a configuration, or files of certificates and keys, that have changed.
///
///   SIGHUP, POST /reload ─► load() ─► compare() ─► make contexts ─► apply
///   a file has changed, and stands still ─► read_tls_files() ─► make contexts ─► apply
///        a fault in any of them: one line for each in the log, and all stays as it was
///
/// Streams and connections do not notice: a worker gets the new contexts as a task, for those that
/// come from then on, and keys are replaced in their rings.
///
/// Owner   server::Gateway. Thread  the control loop's; counters and `last`: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/counters.h"
#include "gateway/net/loop.h"
#include "gateway/net/timer.h"
#include "gateway/server/certificates.h"
#include "gateway/server/config.h"
#include "gateway/server/file_watch.h"
#include "gateway/server/metrics.h"
#include "gateway/server/shared.h"

namespace sluice::server {

class Reload {
 public:
  Reload(net::Loop& loop, Shared& shared, const Workers& workers, Certificates& certificates);

  /// From now on the files are watched.
  void start();
  /// Reads the configuration anew.
  ReloadReport run();

  [[nodiscard]] const ReloadCounters& counters() const { return counters_; }

 private:
  void look();
  ReloadReport fail(const std::vector<Fault>& faults);
  ReloadReport take(Config next, const std::vector<std::string>& taken,
                    const std::vector<Fault>& kept);
  void apply(Config next, const TlsContexts& contexts);
  void watch();
  [[nodiscard]] std::string describe() const;

  // Set in the constructor.
  Shared& shared_;
  const Workers& workers_;
  Certificates& certificates_;
  // Control thread only.
  Config running_;
  FileWatch files_;
  net::Timer look_;
  Millis interval_{};
  // Any thread.
  ReloadCounters counters_;
};

}  // namespace sluice::server
