#include "gateway/server/config_table.h"

#include <chrono>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;

using C = Make<Config>;

// NOLINTBEGIN(bugprone-macro-parentheses): a member's path cannot stand in parentheses.
/// An accessor of one member, for a row.
#define SLUICE_AT(member)    \
  [](auto& owner) -> auto& { \
    return owner.member;     \
  }
// NOLINTEND(bugprone-macro-parentheses)

void add(std::vector<Row<Config>>& rows, std::vector<Row<Config>> more) {
  for (auto& row : more) rows.push_back(std::move(row));
}

std::vector<Row<Config>> server_rows() {
  return {
      C::count("server.workers", {0, 1024},
               "Threads that serve connections, each with a loop of its own; 0: one per CPU.",
               SLUICE_AT(workers)),
      C::choice<log::Level>("log.level",
                            {{"debug", log::Level::debug},
                             {"info", log::Level::info},
                             {"warning", log::Level::warning},
                             {"error", log::Level::error},
                             {"off", log::Level::off}},
                            "The least important lines that are written to stderr.",
                            SLUICE_AT(log_level)),
      C::text("admin.address",
              "Where /livez, /readyz, /metrics and /status are served, in clear text. Without it "
              "there is no admin listener.",
              SLUICE_AT(admin.address)),
      C::text("tls.certificate", "PEM file: the certificate, then its chain.",
              SLUICE_AT(tls.certificate_file)),
      C::text("tls.key", "PEM file: the certificate's private key, not encrypted.",
              SLUICE_AT(tls.key_file)),
      C::count("tls.tickets", {0, 10},
               "Session tickets sent after a handshake; 0: no connection is resumed.",
               SLUICE_AT(tls.tickets)),
  };
}

std::vector<Row<Config>> hub_rows() {
  return {
      C::flag("hub.anonymous", "Let in subscribers without a token. They get public events only.",
              SLUICE_AT(access.anonymous)),
      C::tables("hub.publisher_keys", "array of keys",
                "Keys whose tokens may publish. Without any, nobody can publish."),
      C::tables("hub.subscriber_keys", "array of keys",
                "Keys whose tokens may subscribe, to private events too."),
      C::choice<Fallback>(
          "hub.expired_token",
          {{"park", Fallback::park},
           {"reject", Fallback::reject},
           {"anonymous", Fallback::anonymous}},
          "What becomes of a stream that is asked for with an expired token in a "
          "cookie or the query: told to come back, 401, or public events only. In a "
          "header such a token is always answered with 401.",
          SLUICE_AT(access.expired_token)),
      C::choice<Fallback>("hub.lost_token",
                          {{"park", Fallback::park},
                           {"reject", Fallback::reject},
                           {"anonymous", Fallback::anonymous}},
                          "The same for a browser that reconnects without the cookie that it had: "
                          "it is known by a cookie of ours, `sluice_signed_in`.",
                          SLUICE_AT(access.lost_token)),
      C::text("hub.cookie", "The cookie that carries a token of Mercure 0.x.",
              SLUICE_AT(access.cookie)),
      C::text("hub.cookie_v1", "The cookie that carries a token of Mercure 1.0.",
              SLUICE_AT(access.cookie_v1)),
      C::list("hub.publish_origins",
              "Origins whose pages may publish with a cookie, beside our own.",
              SLUICE_AT(access.publish_origins)),
      C::choice<Mercure>("hub.protocol",
                         {{"any", Mercure::any}, {"0.x", Mercure::v0}, {"1.0", Mercure::v1}},
                         "The version of the Mercure protocol that is spoken; any: whichever a "
                         "request uses.",
                         SLUICE_AT(access.protocol)),
      C::text("hub.public_url",
              "The hub's URL as clients know it, \"https://hub.example/.well-known/mercure\": what "
              "URL patterns and relative topics are resolved against. Without it: "
              "\"https://localhost/.well-known/mercure\".",
              SLUICE_AT(access.public_url)),
      C::flag("hub.subscriptions",
              "Publish and list who is subscribed to what, to those with a grant for it.",
              SLUICE_AT(access.subscriptions)),
      C::count("limits.streams_per_subject", from(0),
               "Event streams of one token subject; the next one is told to come back later. 0: no "
               "bound.",
               SLUICE_AT(subjects.streams)),
      C::count("limits.revocations", from(1), "Revoked subjects that are remembered.",
               SLUICE_AT(subjects.revocations)),
      C::duration("hub.remember_revocations", {1s, 24h * 366},
                  "How long a revocation is remembered: as long as tokens live.",
                  SLUICE_AT(subjects.remember)),
      C::duration("hub.token_leeway", {0ms, 10min},
                  "How far the clock of whoever makes tokens may differ from ours.",
                  SLUICE_AT(access.tokens.leeway)),
      C::count("hub.token_cache", {0, 10'000'000},
               "Verified tokens that are remembered, of publishers and of subscribers each; 0: "
               "every signature is verified each time.",
               SLUICE_AT(access.tokens.cache_entries)),
      C::duration("hub.jwks_refresh", {1s, 7 * 24h},
                  "Keys of a `jwks_url` are fetched anew after so long, or after the `max-age` of "
                  "the answer where that is shorter.",
                  SLUICE_AT(access.jwks.refresh)),
      C::duration("hub.jwks_min_interval", {1s, 1h},
                  "They are not fetched more often than this, whatever `max-age` says and however "
                  "many tokens name an unknown key.",
                  SLUICE_AT(access.jwks.min_interval)),
      C::list("hub.cors_origins",
              "Origins whose pages may read, as \"https://app.example\"; \"*\": all, but without "
              "cookies and tokens.",
              SLUICE_AT(access.cors.origins)),
      C::duration("hub.cors_max_age", {0ms, 24h},
                  "How long a browser may remember the answer to a preflight.",
                  SLUICE_AT(access.cors.max_age)),
      C::count("hub.max_topics", {1, 10'000}, "Topics of one event.", SLUICE_AT(access.max_topics)),
      C::count("hub.max_selectors", {1, 10'000}, "Topics and patterns of one subscription.",
               SLUICE_AT(hub.selectors)),
      C::size("hub.max_selector_bytes", {16, 64_KiB}, "One topic or pattern of a subscription.",
              SLUICE_AT(hub.selector_length)),
      C::size("hub.max_event_bytes", {1, 64_MiB}, "The data of one event.",
              SLUICE_AT(access.max_event_bytes)),
      C::size("hub.max_body_bytes", {1, 256_MiB}, "The body of one publish request, as it is sent.",
              SLUICE_AT(access.max_body_bytes)),
      C::count("hub.max_channels", from(1),
               "Distinct sets of topics that subscribers of one worker ask for.",
               SLUICE_AT(hub.channels)),
      C::count(
          "hub.max_patterns", from(0),
          "Distinct patterns that subscribers of one worker ask for: each event is held against "
          "all.",
          SLUICE_AT(hub.patterns)),
      C::choice<hub::LostCursor>("hub.lost_cursor",
                                 {{"gap", hub::LostCursor::gap},
                                  {"earliest", hub::LostCursor::earliest},
                                  {"latest", hub::LostCursor::latest}},
                                 "What a client gets whose last event id is unknown or no longer "
                                 "held: a gap event and all "
                                 "that is held; the same without the gap event; or a gap event and "
                                 "what comes from now on.",
                                 SLUICE_AT(hub.lost_cursor)),
      C::count("hub.max_rate", {1, 100'000},
               "The highest `max_rate` that a subscriber may ask for, in events per second.",
               SLUICE_AT(hub.max_rate)),
      C::count("hub.ring_events", {1, 1'000'000},
               "Events by which a reader may fall behind before it reads from history.",
               SLUICE_AT(hub.ring_events)),
      C::size("hub.ring_bytes", {1_KiB, 1024_MiB}, "The same in bytes.", SLUICE_AT(hub.ring_bytes)),
      C::count("hub.scan_events", {1, 1'000'000},
               "Looks at history in one turn, of all readers that catch up together.",
               SLUICE_AT(hub.scan_events)),
      C::choice<Journal>(
          "history.journal",
          {{"memory", Journal::memory}, {"file", Journal::file}, {"redis", Journal::redis}},
          "What orders and keeps events: memory, which the end of the process ends; a file; Redis, "
          "which this version does not have.",
          SLUICE_AT(history.journal)),
      C::text("history.path", "Folder of the file journal, for it alone; made if need be.",
              SLUICE_AT(history.file.path)),
      C::text("history.url", "Server of the Redis journal, as \"redis://host:6379/0\".",
              SLUICE_AT(history.url)),
      C::text("history.key", "Name of the stream in Redis.", SLUICE_AT(history.key)),
      C::count("history.max_events", from(1), "Events that a client can still come back to.",
               SLUICE_AT(history.file.retention.events)),
      C::size("history.max_bytes", from(64_KiB),
              "Their size as they are kept; the oldest go first.",
              SLUICE_AT(history.file.retention.bytes)),
  };
}

std::vector<Row<Config>> history_rows() {
  return {
      C::duration("history.max_age", {0ms, 24h * 365 * 10},
                  "File: how old they may be; 0s: as old as they like.",
                  SLUICE_AT(history.file.retention.age)),
      C::choice<journal::Sync>(
          "history.sync",
          {{"always", journal::Sync::always},
           {"interval", journal::Sync::interval},
           {"never", journal::Sync::never}},
          "File: when an event is on the disk for certain, even if the power fails: before its "
          "publisher is answered, soon after, or when the system likes.",
          SLUICE_AT(history.file.sync)),
      C::duration("history.sync_interval", {1ms, 1min}, "File: how soon, with \"interval\".",
                  SLUICE_AT(history.file.sync_interval)),
      C::size("history.cache_bytes", {0, 64 * 1024_MiB},
              "File: memory for events that were read, for the next who asks for them.",
              SLUICE_AT(history.file.cache_bytes)),
      C::count("history.window_events", from(1),
               "File: newest events in memory, for each worker; what is older is read.",
               SLUICE_AT(history.window_events)),
      C::size("history.window_bytes", from(64_KiB), "The same in bytes; workers share them.",
              SLUICE_AT(history.window_bytes)),
      C::duration("history.idempotency_window", {0ms, 24h * 30},
                  "An event that is published again within this time is not appended again.",
                  SLUICE_AT(history.file.repeats.window)),
      C::count("history.idempotency_keys", {0, 100'000'000},
               "How many are remembered for that; the oldest are forgotten first.",
               SLUICE_AT(history.file.repeats.keys)),
  };
}

std::vector<Row<Config>> publish_rows() {
  return {
      C::count("hub.max_batch", {1, 100'000}, "Events of one JSON request.",
               SLUICE_AT(publish.max_batch)),
      C::count("hub.publishes_per_second", {0, 10'000'000},
               "Events that one token may publish per second; beyond it 429, and streams wait. 0: "
               "as many as it likes. Tokens with the same `sub` count together.",
               SLUICE_AT(publish.rate.per_second)),
      C::count("hub.publish_burst", {1, 10'000'000},
               "Events that it may publish at once, after a pause.", SLUICE_AT(publish.rate.burst)),
      C::count("hub.stream_group_events", {1, 100'000},
               "Events of a publishing stream that are appended together.",
               SLUICE_AT(publish.stream_group_events)),
      C::size("hub.stream_pending_bytes", {1_KiB, 64_MiB},
              "The same in memory; beyond it the publisher's window stays shut.",
              SLUICE_AT(publish.stream_pending_bytes)),
      C::duration("hub.ack_interval", {0ms, 1min},
                  "The least time between two acknowledgements on a publishing stream.",
                  SLUICE_AT(publish.ack_interval)),
      C::duration("hub.stream_idle", {1s, 24h},
                  "A publishing stream on which nothing comes for so long, not even a comment, is "
                  "ended.",
                  SLUICE_AT(publish.stream_idle)),
  };
}

std::vector<Row<Config>> pace_rows() {
  return {
      C::duration("heartbeat.interval", {1s, 10min},
                  "A stream that was silent for so long gets a comment line.",
                  SLUICE_AT(heartbeat.interval)),
      C::duration("heartbeat.jitter", {0ms, 5min}, "Each interval is shorter by up to this.",
                  SLUICE_AT(heartbeat.jitter)),
      C::duration("retry.min", {0ms, 1h},
                  "The `retry:` that a stream begins with is drawn from here …",
                  SLUICE_AT(retry.min)),
      C::duration("retry.max", {0ms, 1h}, "… to here.", SLUICE_AT(retry.max)),
      C::duration("retry.parked_min", {0ms, 1h},
                  "The `retry:` of a stream that cannot be served now is drawn from here …",
                  SLUICE_AT(retry.parked_min)),
      C::duration("retry.parked_max", {0ms, 1h}, "… to here.", SLUICE_AT(retry.parked_max)),
      C::duration("drain.delay", {0ms, 10min},
                  "On SIGTERM /readyz answers 503 at once; newcomers are accepted for so long yet.",
                  SLUICE_AT(drain.delay)),
      C::duration("drain.window", {0ms, 1h},
                  "Then streams are ended one by one, evenly spread over this.",
                  SLUICE_AT(drain.window)),
      C::duration("drain.hard_limit", {0ms, 2h},
                  "Counted from SIGTERM: connections that are open then are cut.",
                  SLUICE_AT(drain.hard_limit)),
      C::flag("demo.page", "Serve the demo page on `/`.", SLUICE_AT(demo.page)),
      C::flag("demo.feed", "Publish made-up events on topics below `demo/`.", SLUICE_AT(demo.feed)),
  };
}

std::vector<Row<Config>> limit_rows() {
  return {
      C::count("limits.streams_per_connection", {1, 100'000},
               "Event streams on one connection; the next one is told to come back later.",
               SLUICE_AT(limits.streams_per_connection)),
      C::count("limits.streams", from(1),
               "Event streams in all; the next one is told to come back later.",
               SLUICE_AT(limits.streams)),
      C::count("limits.connections", from(1),
               "Connections in all; the next one waits to be accepted.",
               SLUICE_AT(limits.connections)),
      C::count("limits.backlog_events", from(1),
               "Events that wait for the slowest worker; beyond it publishers get 503.",
               SLUICE_AT(limits.backlog_events)),
      C::size("limits.backlog_bytes", {1_MiB, 64 * 1024_MiB}, "The same in bytes.",
              SLUICE_AT(limits.backlog_bytes)),
      C::count("limits.concurrent_streams", {1, 100'000},
               "HTTP/2 requests at once on one connection, as it is advertised.",
               SLUICE_AT(h2.max_concurrent_streams)),
      C::size("limits.header_bytes", {1_KiB, 1_MiB}, "The head of a request.",
              SLUICE_AT(h2.header_list_bytes), SLUICE_AT(h1.header_bytes)),
      C::count("limits.header_fields", {8, 1'000}, "Fields in the head of a request.",
               SLUICE_AT(h2.header_fields), SLUICE_AT(h1.header_fields)),
      C::size("limits.stream_window", {1_KiB, 16_MiB},
              "Bytes of a request's body that wait to be dealt with.", SLUICE_AT(h2.stream_window),
              SLUICE_AT(h1.unconsumed_bytes)),
      C::size("limits.connection_window", {64_KiB, 1024_MiB},
              "HTTP/2: the same, of all requests of a connection.",
              SLUICE_AT(h2.connection_window)),
      C::size("limits.pipelined_bytes", {1_KiB, 1_MiB},
              "HTTP/1.1: kept of requests behind the one that is being answered.",
              SLUICE_AT(h1.pipelined_bytes)),
      C::size("limits.discarded_bytes", {0, 256_MiB},
              "HTTP/1.1: read of a body that nobody wants before the connection is closed.",
              SLUICE_AT(h1.discard_bytes)),
      C::size(
          "limits.data_frame", {512, 16_KiB},
          "HTTP/2: the largest DATA frame; bounds how long a quiet stream waits for a busy one.",
          SLUICE_AT(h2.data_frame_cap)),
      C::size("limits.flush_bytes", {16_KiB, 16_MiB},
              "Bytes written to one connection before the others have their turn.",
              SLUICE_AT(net.flush_budget)),
      C::size("limits.read_bytes", {4_KiB, 16_MiB},
              "Bytes read from one connection before the others have their turn.",
              SLUICE_AT(net.read_budget)),
      C::size("limits.kernel_unsent", {0, 1024_MiB},
              "Bytes per connection that the kernel may hold unsent; 0B: its own default.",
              SLUICE_AT(net.notsent_lowat)),
  };
}

std::vector<Row<Config>> abuse_rows() {
  return {
      C::count("limits.peer_resets", {1, 1'000'000},
               "HTTP/2: streams that a client may reset at once …",
               SLUICE_AT(h2.peer_resets.burst)),
      C::count("limits.peer_resets_per_second", {1, 1'000'000}, "… and every second after that.",
               SLUICE_AT(h2.peer_resets.per_second)),
      C::count("limits.provoked_resets", {1, 1'000'000},
               "HTTP/2: streams that a client's faults may make us reset at once …",
               SLUICE_AT(h2.provoked_resets.burst)),
      C::count("limits.provoked_resets_per_second", {1, 1'000'000},
               "… and every second after that.", SLUICE_AT(h2.provoked_resets.per_second)),
      C::count("limits.control_frames", {1, 1'000'000},
               "HTTP/2: PING, SETTINGS and empty frames of a client at once …",
               SLUICE_AT(h2.control_frames.burst)),
      C::count("limits.control_frames_per_second", {1, 1'000'000}, "… and every second after that.",
               SLUICE_AT(h2.control_frames.per_second)),
      C::count("limits.light_frames", {100, 10'000'000},
               "HTTP/2: WINDOW_UPDATE, priority and unknown frames of a client at once …",
               SLUICE_AT(h2.light_frames.burst)),
      C::count("limits.light_frames_per_second", {100, 10'000'000},
               "… and every second after that; a busy connection may send more.",
               SLUICE_AT(h2.light_frames.per_second)),
      C::count("limits.continuations", {1, 1'000},
               "HTTP/2: CONTINUATION frames of one header block.", SLUICE_AT(h2.max_continuations)),
      C::count("limits.settings_entries", {6, 1'000}, "HTTP/2: entries of one SETTINGS frame.",
               SLUICE_AT(h2.max_settings)),
      C::count("limits.unsent_acks", {1, 10'000},
               "HTTP/2: acknowledgements that a client lets wait.", SLUICE_AT(h2.max_outbound_ack)),
      C::count("limits.outbound_high", {10, 1'000'000},
               "HTTP/2: control frames that wait for a client before it is not read any more.",
               SLUICE_AT(h2.outbound_high)),
      C::count("limits.outbound_limit", {10, 1'000'000},
               "HTTP/2: control frames that wait for a client before it is disconnected.",
               SLUICE_AT(h2.outbound_limit)),
  };
}

std::vector<Row<Config>> timeout_rows() {
  return {
      C::duration("timeouts.handshake", {100ms, 10min}, "For a TLS handshake.",
                  SLUICE_AT(net.handshake_timeout)),
      C::duration("timeouts.first_bytes", {100ms, 10min},
                  "Clear text: until a client shows which protocol it speaks.",
                  SLUICE_AT(net.first_bytes_timeout)),
      C::duration("timeouts.settings", {100ms, 10min},
                  "HTTP/2: for a client's preface and SETTINGS.", SLUICE_AT(h2.settings_timeout)),
      C::duration("timeouts.settings_ack", {100ms, 10min},
                  "HTTP/2: until a client acknowledges our SETTINGS.",
                  SLUICE_AT(h2.settings_ack_timeout)),
      C::duration("timeouts.headers", {100ms, 10min}, "For the head of a request, once begun.",
                  SLUICE_AT(h2.headers_timeout), SLUICE_AT(h1.head_timeout)),
      C::duration("timeouts.body", {100ms, 1h}, "For a request's body to make progress.",
                  SLUICE_AT(h2.body_timeout), SLUICE_AT(h1.body_timeout)),
      C::duration("timeouts.first_request", {1s, 1h},
                  "HTTP/2: for the first request of a connection.",
                  SLUICE_AT(h2.first_request_timeout)),
      C::duration("timeouts.idle", {1s, 24h}, "HTTP/2: for a connection without open requests.",
                  SLUICE_AT(h2.idle_timeout)),
      C::duration("timeouts.keep_alive", {1s, 24h},
                  "HTTP/1.1: for the next request; longer than a load balancer keeps it.",
                  SLUICE_AT(h1.idle_timeout)),
      C::duration("timeouts.stalled_stream", {100ms, 24h},
                  "For a stream that has something to send and whose client takes nothing.",
                  SLUICE_AT(h2.stalled_stream), SLUICE_AT(h1.stalled_stream)),
      C::duration("timeouts.write", {100ms, 24h},
                  "For a connection that has something to send and takes nothing.",
                  SLUICE_AT(net.write_timeout)),
      C::duration(
          "timeouts.unacknowledged", {0ms, 24h},
          "For bytes that were sent and that the peer's kernel does not acknowledge; 0s: the "
          "system's default.",
          SLUICE_AT(net.user_timeout)),
      C::duration("timeouts.linger", {0ms, 1min},
                  "For the client to close too, after we have closed.", SLUICE_AT(net.linger)),
      C::duration("timeouts.ping_after", {100ms, 1h},
                  "HTTP/2: a client that was silent for so long is asked for a sign of life.",
                  SLUICE_AT(h2.ping_after)),
      C::duration("timeouts.ping", {100ms, 10min}, "HTTP/2: for that sign of life.",
                  SLUICE_AT(h2.ping_timeout)),
  };
}

/// `alg`: one name, or an array of names.
Row<KeyEntry> algorithm_row() {
  const auto set = [](KeyEntry& entry, const Value& value) -> Result<void> {
    std::vector<std::string> names;
    if (const auto* name = std::get_if<std::string>(&value)) names = {*name};
    if (const auto* many = std::get_if<std::vector<std::string>>(&value)) names = *many;
    entry.algorithms.clear();
    for (const std::string& name : names) {
      const auto algorithm = auth::parse_algorithm(name);
      if (!algorithm) return tl::unexpected(algorithm.error());
      entry.algorithms.push_back(*algorithm);
    }
    if (entry.algorithms.empty()) {
      return fail(Errc::invalid, "must be one of, or an array of, " + auth::algorithm_names());
    }
    return {};
  };
  return {"alg",
          "string or array of strings",
          auth::algorithm_names(),
          "The algorithm; a token that names another one is refused. An array only for sets of "
          "keys: which of them to take. Without it HS256 for a secret; for other keys by their "
          "curve, for RSA keys RS256.",
          set,
          [](const KeyEntry&) { return std::string(); }};
}

std::vector<Row<Config>> all_rows() {
  std::vector<Row<Config>> rows = server_rows();
  add(rows, hub_rows());
  add(rows, publish_rows());
  add(rows, history_rows());
  add(rows, pace_rows());
  add(rows, limit_rows());
  add(rows, abuse_rows());
  add(rows, timeout_rows());
  return rows;
}

}  // namespace

const std::vector<Section>& config_sections() {
  static const std::vector<Section> sections{
      {"server", "The process."},
      {"admin", "The listener for operators; not for the internet."},
      {"tls", "The certificate of all [[listen]] tables that have `tls = true`."},
      {"hub", "Who may publish and subscribe, and how much at once."},
      {"history", "What a client that comes back can still get."},
      {"heartbeat", "Signs of life on silent streams, so that nobody on the way ends them."},
      {"retry", "How long clients wait before they come back."},
      {"limits", "What is bounded. `HTTP/2:` marks what only that protocol has."},
      {"timeouts", "How long we wait for a client."},
      {"drain", "What happens between SIGTERM and the end of the process."},
      {"log", "The program's own log."},
      {"demo", "What the development default shows."},
  };
  return sections;
}

const std::vector<Row<Config>>& config_rows() {
  static const std::vector<Row<Config>> rows = all_rows();
  return rows;
}

const std::vector<Row<Listen>>& listen_rows() {
  using L = Make<Listen>;
  static const std::vector<Row<Listen>> rows{
      L::text("address",
              "\"127.0.0.1:8443\", \"[::1]:0\", \"localhost:8080\", \"*:443\"; port 0: any.",
              SLUICE_AT(address)),
      L::flag("tls", "False: clear text, for a load balancer that ends TLS.", SLUICE_AT(tls)),
      L::flag("http2", "Offer HTTP/2 beside HTTP/1.1.", SLUICE_AT(http2)),
  };
  return rows;
}

const std::vector<Row<hub::TopicRule>>& topic_rows() {
  using T = Make<hub::TopicRule>;
  using hub::Policy;
  static const std::vector<Row<hub::TopicRule>> rows{
      T::text("match", "The topics that it is for: a topic, a URI Template or \"*\".",
              SLUICE_AT(match)),
      T::choice<Policy>("policy",
                        {{"replay", Policy::replay},
                         {"latest", Policy::latest},
                         {"drop", Policy::drop},
                         {"close", Policy::close}},
                        "What a reader that cannot keep up gets: all, from history; the newest of "
                        "each topic or key; what is new enough, and a gap event that counts the "
                        "rest; or the end of its stream.",
                        SLUICE_AT(policy)),
      T::count("max_rate", {0, 100'000},
               "Events per second and subscription; what a newer event of the same topic or key "
               "stands for is left out. 0: as they come.",
               SLUICE_AT(max_rate)),
      T::count("max_events", from(0), "Events held of each topic by itself; 0: no bound.",
               SLUICE_AT(max_events)),
      T::size("max_bytes", from(0), "The same in bytes; 0B: no bound.", SLUICE_AT(max_bytes)),
      T::duration("max_age", {0ms, 24h * 366}, "How long each is held; 0s: no bound.",
                  SLUICE_AT(max_age)),
  };
  return rows;
}

const std::vector<Row<KeyEntry>>& key_rows() {
  using K = Make<KeyEntry>;
  static const std::vector<Row<KeyEntry>> rows{
      algorithm_row(),
      K::text("secret",
              "The shared secret itself; as many bytes as the digest or more: 32, 48, 64.",
              SLUICE_AT(secret)),
      K::text("secret_file", "A file with the secret; white space at its end does not count.",
              SLUICE_AT(secret_file)),
      K::text("key_file", "PEM file: a public key, a certificate, or a private key.",
              SLUICE_AT(key_file)),
      K::text("jwks_file", "A file with a JWK or a JWK set; shared secrets (`oct`) are taken too.",
              SLUICE_AT(jwks_file)),
      K::text("jwks_url",
              "Where a JWK set is fetched: https, or http on this machine. Shared secrets in it "
              "are not taken.",
              SLUICE_AT(jwks_url)),
      K::text("kid", "Only tokens with this `kid`, or with none, are tried.", SLUICE_AT(id)),
      K::text("issuer",
              "The `iss` that every token of this key must have. Tokens of Mercure 1.0 are taken "
              "only with keys that have one.",
              SLUICE_AT(issuer)),
      K::text("audience",
              "What `aud` of every token of this key must name: this hub. Without it any will do; "
              "where `hub.protocol` is \"1.0\", it is `hub.public_url`.",
              SLUICE_AT(audience)),
  };
  return rows;
}

}  // namespace sluice::server
