/// Config: everything an operator can choose, with its default.
///
/// It is composed of the option structs of the layers; nothing below `server` includes this file.
/// An option is a field here or in a layer's struct, plus a row in config_rows_*.cc: the parser,
/// the checks, the messages and the reference page come from the rows. Thread  a plain value;
/// read-only once the workers run. Errors  load() collects every fault of a file, each with its
/// place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/key.h"
#include "gateway/auth/token.h"
#include "gateway/base/log.h"
#include "gateway/base/units.h"
#include "gateway/h1/options.h"
#include "gateway/h2/options.h"
#include "gateway/http/cors.h"
#include "gateway/hub/options.h"
#include "gateway/journal/options.h"
#include "gateway/net/connections.h"
#include "gateway/redis/options.h"
#include "gateway/server/access.h"
#include "gateway/server/access_log.h"
#include "gateway/server/addresses.h"
#include "gateway/server/fault.h"
#include "gateway/server/jwks.h"
#include "gateway/server/presence.h"
#include "gateway/server/rates.h"
#include "gateway/server/relay_options.h"
#include "gateway/server/state.h"
#include "gateway/server/subjects.h"
#include "gateway/server/tls_files.h"
#include "gateway/server/tls_options.h"
#include "tls/context.h"

namespace sluice::server {

/// One [[listen]] table.
struct Listen {
  std::string address;          ///< "127.0.0.1:8443", "[::1]:0", "localhost:8080", "*:443".
  bool tls = true;              ///< False: clear text, for a load balancer that ends TLS.
  bool http2 = true;            ///< Offer HTTP/2; in clear text, accept it by prior knowledge.
  bool proxy_protocol = false;  ///< Each connection begins with a PROXY header.
  tls::ClientCertificates client_certificates = tls::ClientCertificates::off;
};

/// The process, as scripts and service managers see it.
struct ProcessOptions {
  std::string pid_file;            ///< Empty: there is none.
  Millis upgrade_timeout{60'000};  ///< A new process that is not ready within this is killed.
};

struct AdminOptions {
  std::string address;       ///< Empty: there is no admin listener.
  std::size_t viewers = 16;  ///< Of the dashboard, at once; the next one is told to come back.
};

/// Who may do what, and how much at once.
struct HubAccess : AccessOptions {
  bool subscriptions = false;              ///< Who is subscribed is published and listed.
  PresenceOptions presence;                ///< How much of it is published.
  std::vector<auth::Key> publisher_keys;   ///< None, nor a JWKS: nobody can publish.
  std::vector<auth::Key> subscriber_keys;  ///< None, nor a JWKS: a subscriber's token is refused.
  std::vector<JwksSource> publisher_jwks;
  std::vector<JwksSource> subscriber_jwks;
  JwksOptions jwks;
  auth::VerifierOptions tokens;
  http::CorsOptions cors;
  std::size_t max_topics = 100;         ///< Of one event. hub::Options::selectors: of a subscriber.
  std::size_t max_event_bytes = 1_MiB;  ///< The data of one event.
  std::size_t max_body_bytes = 4_MiB;   ///< The body of one publish request, still encoded.
};

/// How much may be published at once, and how a publishing stream is answered.
struct PublishOptions {
  std::size_t max_batch = 1'000;               ///< Events of one JSON request.
  std::size_t stream_group_events = 1'000;     ///< That a stream appends together.
  std::size_t stream_pending_bytes = 256_KiB;  ///< The same, in memory.
  Millis ack_interval{250};                    ///< Between two acknowledgements on a stream.
  Millis stream_idle{3'600'000};               ///< A stream that sends nothing for so long ends.
  RateOptions rate;                            ///< Of one token.
};

enum class Journal { memory, file, redis };

/// Where events are kept, and how many. hub::Options: how many each worker has in its window,
/// which with the memory journal is all there is.
struct HistoryOptions {
  Journal journal = Journal::memory;
  /// Retention and repeats hold for each journal. The path is resolved against the configuration.
  journal::FileOptions file = {.path = {},
                               .retention = {.events = 100'000, .bytes = 256_MiB, .age = {}}};
  std::size_t window_events = 10'000;  ///< With a journal that keeps events.
  std::size_t window_bytes = 64_MiB;   ///< The same.
  /// Retention, repeats and the cache's size are those of `file`; the passwords are those of the
  /// files.
  redis::Options redis;
  std::string password_file;
  std::string sentinel_password_file;
  Millis away_limit{0};  ///< The engine away for so long: streams are left to others. 0: never.
};

/// A comment line on a stream that was silent, so that nobody on the way takes it for dead.
struct HeartbeatOptions {
  Millis interval{15'000};
  Millis jitter{1'500};  ///< Each stream's interval is shorter by up to this.
};

using RetryOptions = relay::RetryRange;

/// limits.memory where the machine is to be asked (server/memory_budget.h).
inline constexpr std::size_t kMemoryOfMachine = SIZE_MAX;

struct LimitOptions {
  std::size_t streams_per_connection = 200;  ///< Event streams; the next one is parked.
  std::size_t streams = 1'000'000;           ///< Event streams in all; the next one is parked.
  std::size_t connections = 100'000;         ///< In all; the next one waits to be accepted.
  AddressOptions address;                    ///< Of each client's address.
  std::size_t memory = kMemoryOfMachine;     ///< Of the process; 0: no limit.
  std::size_t bodies = 64_MiB;               ///< Of all requests; see server/body_room.h.
  std::size_t backlog_events = 65'536;       ///< Of one worker; past it publishers get 503.
  std::size_t backlog_bytes = 64_MiB;        ///< The same, encoded.
  Millis gather{10};                         ///< See server/pacing.h; 0: never.
  Millis max_stream_duration{0};             ///< Of an event stream; 0: for as long as it likes.
};

/// What happens between SIGTERM and the end of the process.
struct DrainOptions {
  Millis delay{5'000};        ///< Goes on accepting, while /readyz already answers 503.
  Millis window{10'000};      ///< Streams are ended one by one, spread evenly over this.
  Millis hard_limit{30'000};  ///< Counted from SIGTERM: what is open then is cut.
};

/// Whether the hub answers beside the routes.
enum class HubUse {
  unless_routes,  ///< Where there is no [[route]], or where the file says something of [hub].
  on,
  off,
};

struct DemoOptions {
  bool page = false;  ///< Serve the demo page on `/`.
  bool feed = false;  ///< Publish its events below `demo/`.
};

struct Config {
  std::string file;         ///< Where it was read from; empty for the development default.
  std::size_t workers = 0;  ///< Threads; 0: one per CPU.
  ProcessOptions process;
  std::vector<Listen> listens;
  AdminOptions admin;
  TlsOptions tls;
  TlsFiles tls_files;                      ///< What its files held when it was read.
  HubUse hub_use = HubUse::unless_routes;  ///< After load(): on or off.
  HubAccess access;
  RelayOptions relay;
  PublishOptions publish;
  hub::Options hub;
  HistoryOptions history;
  HeartbeatOptions heartbeat;
  RetryOptions retry;
  LimitOptions limits;
  SubjectOptions subjects;
  net::Connections::Options net;
  h1::Options h1;
  h2::Options h2;
  DrainOptions drain;
  DemoOptions demo;
  log::Level log_level = log::Level::info;
  AccessLogOptions access_log;

  std::vector<Fault> warnings;  ///< Of its file: what may not be meant so.
  Places places;                ///< Of the keys in its file.
  Texts texts;                  ///< What stands there, secrets too: to be compared, not shown.

  [[nodiscard]] bool has_hub() const { return hub_use != HubUse::off; }
};

/// Reads, parses and checks a file. Never empty-handed: a configuration, or one fault at least.
tl::expected<Config, std::vector<Fault>> load(const std::string& file);
/// The same for a gateway that runs: it waits for nothing, so only a regular file will do.
tl::expected<Config, std::vector<Fault>> load_again(const std::string& file);
/// The same for a text; relative paths in it are relative to the folder of `file`.
tl::expected<Config, std::vector<Fault>> parse(std::string_view text, const std::string& file);

/// Gives the workers' windows their bounds: all of history, or a part of what the journal keeps.
void set_windows(Config& config);

/// What `sluice serve` runs without a file: see the first page of the documentation.
[[nodiscard]] Config development_default(const State& state);

}  // namespace sluice::server
