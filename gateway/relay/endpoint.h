/// Endpoint: one address of an upstream: its connections and its health.
///
/// Owner   Upstream; it is destroyed when it is retired and its last connection has gone.
/// Thread  its worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/http/client.h"
#include "gateway/net/address.h"

namespace sluice::relay {

class Upstream;

/// What an address has last done.
struct Health {
  std::uint32_t failures = 0;  ///< In a row.
  TimePoint failed_at{};       ///< The last time.
  TimePoint answered_at{};     ///< The last time.
  std::string error;           ///< Of the last failure; empty: it has never failed.
};

class Endpoint final : public http::ClientOwner {
 public:
  /// `url`: which of the upstream's it belongs to.
  Endpoint(Upstream& upstream, net::SocketAddress address, std::size_t url)
      : upstream_(upstream), address_(address), name_(address.to_string()), url_(url) {}

  void on_change(http::Client& client) override;
  void on_gone(http::Client& client) override;

  /// A connection with room for a call, the one used last; null: there is none.
  [[nodiscard]] http::Client* ready();
  /// It has a connection on which the server takes no calls, for now (HTTP/2:
  /// SETTINGS_MAX_CONCURRENT_STREAMS 0): another one would be no better.
  [[nodiscard]] bool is_shut() const { return !shut_.empty(); }
  /// After a call was given to ready().
  void used(http::Client& client);
  /// Ends what is idle beyond `most`, those first that were idle for longest.
  void let_idle_go(std::size_t most);

  /// No more calls; its connections end with those they have.
  void retire();
  struct Backoff {
    Duration first;
    Duration most;
  };
  /// Did not take a connection.
  void failed(TimePoint now, Backoff backoff, std::string error);
  /// Broke a new connection before any answer. One request may do that to an application which
  /// serves all others well: it has failed when three have in a row.
  void broke(TimePoint now, Backoff backoff, std::string error);
  /// It has answered.
  void succeeded(TimePoint now);
  [[nodiscard]] bool is_well(TimePoint now) const { return now >= rests_until_; }
  [[nodiscard]] TimePoint rests_until() const { return rests_until_; }
  /// It has a connection with room, or took the last one that was tried: a request may be sent,
  /// though it rests.
  [[nodiscard]] bool is_there() { return takes_connections || ready() != nullptr; }
  [[nodiscard]] const Health& health() const { return health_; }

  [[nodiscard]] Upstream& upstream() const { return upstream_; }
  [[nodiscard]] const net::SocketAddress& address() const { return address_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::size_t url() const { return url_; }

  // Kept by Upstream and UpstreamCall.
  std::size_t calls = 0;           ///< Sent and not over.
  std::size_t dialing = 0;         ///< Connections on their way.
  std::size_t connections = 0;     ///< Open ones.
  TimePoint last_try{};            ///< When a connection was tried last.
  bool takes_connections = false;  ///< The last try has ended well.
  bool is_retired = false;         ///< Its name means other addresses now.

 private:
  void keep(http::Client& client);
  void forget(http::Client& client);
  void note_shut(http::Client& client);

  Upstream& upstream_;
  const net::SocketAddress address_;
  const std::string name_;
  const std::size_t url_;
  std::vector<http::Client*> ready_;  ///< With room for a call. Kept HTTP/1.1 ones, mostly.
  std::vector<http::Client*> shut_;   ///< That take no calls, for now.
  Health health_;
  std::uint32_t breaks_ = 0;  ///< In a row.
  TimePoint rests_until_{};
};

}  // namespace sluice::relay
