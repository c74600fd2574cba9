/// Shared: what all workers use and none of them changes.
///
/// Owner  server::Gateway; outlives the workers. Thread  any: constant once the workers run, but
/// for the atomics and the rates.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gateway/auth/token.h"
#include "gateway/base/clock.h"
#include "gateway/base/counters.h"
#include "gateway/http/cors.h"
#include "gateway/http/exchange.h"
#include "gateway/http/forwarded.h"
#include "gateway/hub/url.h"
#include "gateway/journal/counters.h"
#include "gateway/journal/journal.h"
#include "gateway/net/resolver.h"
#include "gateway/redis/counters.h"
#include "gateway/relay/sources.h"
#include "gateway/server/access.h"
#include "gateway/server/addresses.h"
#include "gateway/server/body_room.h"
#include "gateway/server/certified.h"
#include "gateway/server/config.h"
#include "gateway/server/counters.h"
#include "gateway/server/jwks.h"
#include "gateway/server/memory_level.h"
#include "gateway/server/presence.h"
#include "gateway/server/rates.h"
#include "gateway/server/routes.h"
#include "gateway/server/subjects.h"
#include "gateway/server/upstream_board.h"

namespace sluice::tls {
class ClientContext;
}

namespace sluice::server {

class AccessLog;
class Certificates;
class MemoryBudget;
class Worker;

/// What became of a reload, for who asked for it.
struct ReloadReport {
  enum class Kind {
    done,
    faulty,    ///< Something in the files: nothing has changed.
    conflict,  ///< It cannot be done now, or not here.
  };
  Kind kind;
  std::string text;
};
struct ReloadCounters {
  Counter done;
  Counter failed;
  Gauge last;  ///< When one was done, in seconds since 1970; 0: never.
};

/// Figures of the whole process, for the demo page.
struct Totals {
  std::uint64_t connections = 0;
  std::uint64_t streams = 0;
  std::uint64_t deliveries = 0;
};

/// How far the drain is, for the dashboard.
struct DrainProgress {
  enum class Stage : std::uint8_t {
    none,        ///< There is no drain.
    delay,       ///< All goes on, but for /readyz.
    window,      ///< Streams end one by one.
    last_words,  ///< Who is left is waited for.
  };
  Stage stage = Stage::none;
  std::uint64_t began_with = 0;  ///< Streams that were open then.
  Millis left{};                 ///< Of the stage; of the last one, until the hard limit.
};

/// hub.public_url, parsed; the configuration was checked.
[[nodiscard]] hub::Url hub_url_of(const Config& config);
/// The same of server.trusted_proxies.
[[nodiscard]] http::Networks networks_of(std::span<const std::string> texts);
/// limits.exempt, and the trusted proxies: whose address is not its clients'.
[[nodiscard]] http::Networks uncounted_networks(const Config& config);

struct Counters;
struct Shared;

/// Which of `counters` counts that there is no room for one more event stream on `connection`;
/// null: there is. What its address and its subject hold is not looked at.
[[nodiscard]] Counter* obstacle_to_stream(const Shared& shared, const http::Connection& connection,
                                          Counters& counters);

struct Shared {
  Shared(const Config& config_, const Clock& clock_, journal::Journal& journal_)
      : config(config_),
        clock(clock_),
        journal(journal_),
        publishers(config_.access.publisher_keys, config_.access.tokens),
        subscribers(config_.access.subscriber_keys, config_.access.tokens),
        cors(config_.access.cors),
        rates(config_.publish.rate),
        subjects(config_.subjects),
        certified(config_.access.publisher_certificates),
        access(config_.access, publishers, subscribers, subjects, clock_),
        presence(config_.access.subscriptions
                     ? std::make_unique<Presence>(journal_, clock_, config_.access.presence)
                     : nullptr),
        hub_url(hub_url_of(config_)),
        proxies(networks_of(config_.relay.trusted_proxies)),
        addresses(config_.limits.address, uncounted_networks(config_), clock_),
        bodies(config_.limits.bodies),
        routes(config_.relay.has_routes()
                   ? std::make_unique<Routes>(config_.relay, config_.access.tokens, subscribers,
                                              proxies)
                   : nullptr) {}

  /// When an event stream ends that begins now: with its token (none: never), or when it is as old
  /// as limits.max_stream_duration.
  [[nodiscard]] TimePoint end_of_stream(std::optional<TimePoint> token_ends) const;

  const Config& config;
  const Clock& clock;
  journal::Journal& journal;
  auth::Verifier publishers;
  auth::Verifier subscribers;
  const http::Cors cors;
  Rates rates;  ///< Of publishers.
  Subjects subjects;
  Certified certified;  ///< Publishers by certificate.
  const Access access;
  const std::unique_ptr<Presence> presence;     ///< Null: it is turned off.
  const hub::Url hub_url;                       ///< What URL patterns are relative to.
  const http::Networks proxies;                 ///< server.trusted_proxies.
  Addresses addresses;                          ///< What each client's address holds.
  BodyRoom bodies;                              ///< Of requests that are read whole.
  const std::unique_ptr<Routes> routes;         ///< Null: there is none.
  relay::Sources sources{config.relay.limits};  ///< Shared and replayed streams.
  /// Of upstreams' names; it ends before the workers do.
  std::unique_ptr<net::Resolver> resolver =
      std::make_unique<net::Resolver>(net::Resolver::Options{});
  /// One for each upstream; null: clear text.
  std::vector<std::shared_ptr<const tls::ClientContext>> upstream_contexts;
  UpstreamBoard upstreams;  ///< How the workers find them. Any thread.
  std::size_t worker_count = 1;
  std::string plain_origin;        ///< "http://localhost:8080": the demo's other half.
  std::function<Totals()> totals;  ///< Any thread.
  /// Ends the streams of a subject, and remembers that its tokens until now count no more. Any
  /// thread.
  std::function<void(const std::string& subject)> revoke;
  std::function<void()> drain;                      ///< Begins it. Control thread.
  std::function<ReloadReport()> reload;             ///< Control thread.
  const ReloadCounters* reload_counters = nullptr;  ///< Never null once it runs.
  const Certificates* certificates = nullptr;       ///< The same.
  /// Whose the connection becomes that this worker has accepted. Any thread.
  std::function<Worker&(Worker& accepting)> choose;
  std::function<bool()> is_behind;                ///< Some worker's backlog is full. Any thread.
  std::function<DrainProgress()> drain_progress;  ///< Control thread.
  const journal::Counters* journal_counters = nullptr;  ///< Never null once it runs.
  const redis::Counters* redis_counters = nullptr;      ///< The same.
  const LiveCounters* live_counters = nullptr;          ///< The same.
  AccessLog* access_log = nullptr;                      ///< Null: it is off.
  std::vector<const Jwks*> jwks;         ///< Those that fetch keys; for their figures.
  std::size_t connection_limit = 0;      ///< limits.connections, or what the descriptors allow.
  std::size_t descriptor_limit = 0;      ///< What the process may open.
  const MemoryBudget* memory = nullptr;  ///< For its figures; never null once it runs.

  // What a reload changes beside keys.
  std::atomic<std::size_t> max_streams{config.limits.streams};
  std::atomic<std::size_t> max_streams_per_connection{config.limits.streams_per_connection};
  DrainOptions drain_options{config.drain};  ///< Control thread only.

  std::atomic<bool> is_draining{false};  ///< /readyz answers 503.
  std::atomic<bool> is_parking{false};   ///< New event streams are sent away with a `retry`.
  std::atomic<MemoryLevel> memory_level{MemoryLevel::calm};

  /// The address of who asks: whom the trusted proxies name, if it comes through them.
  [[nodiscard]] std::string client_of(const http::Request& request,
                                      const http::Connection& connection) const;
  [[nodiscard]] bool is_short_of_memory(MemoryLevel level) const {
    return memory_level.load(std::memory_order_relaxed) >= level;
  }
};

}  // namespace sluice::server
