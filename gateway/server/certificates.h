/// Certificates: the TLS of the listeners while the process runs: their contexts, the keys of
/// tickets, and how long certificates are good for.
///
/// What has been read becomes what is used in two steps: make() can fail and changes nothing, use()
/// cannot fail. Ticket keys outlive every reload, so that none costs a resumption.
///
/// Owner   server::Gateway. Thread  the control loop's; contexts(), expiries() and ticket_keys(),
///         any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/net/loop.h"
#include "gateway/net/timer.h"
#include "gateway/server/config.h"
#include "tls/context.h"

namespace sluice::server {

/// One for each [[listen]], in their order; null: clear text.
using TlsContexts = std::vector<std::shared_ptr<tls::Context>>;

/// "2026-11-29"
[[nodiscard]] std::string date_of(WallTime time);

class Certificates {
 public:
  /// A certificate that is in use.
  struct Expiry {
    std::string file;
    std::string name;  ///< The first that it is for; may be empty.
    WallTime at;
  };

  Certificates(net::Loop& loop, const Clock& clock);

  /// The contexts that `config` would have.
  [[nodiscard]] Result<TlsContexts> make(const Config& config) const;
  /// From now on what `config` says holds. The listeners are given `contexts` by the caller.
  void use(const Config& config, TlsContexts contexts);

  [[nodiscard]] TlsContexts contexts() const;
  [[nodiscard]] std::vector<Expiry> expiries() const;
  [[nodiscard]] const tls::TicketKeys& ticket_keys() const { return *ticket_keys_; }

 private:
  void warn_of_expiry();

  // Set in the constructor.
  const Clock& clock_;
  const std::shared_ptr<tls::TicketKeys> ticket_keys_ = std::make_shared<tls::TicketKeys>();
  // Control thread only.
  Millis warning_{};
  Millis rotation_{};
  std::map<std::string, WallTime> warned_;  ///< When a warning was last given, by file.
  net::Timer rotate_;
  net::Timer look_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  TlsContexts contexts_;
  std::vector<Expiry> expiries_;
};

}  // namespace sluice::server
