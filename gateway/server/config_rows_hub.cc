#include <chrono>

#include "gateway/server/config_rows.h"

namespace sluice::server {

using namespace std::chrono_literals;

using C = Make<Config>;

std::vector<Row<Config>> access_rows() {
  return {
      C::flag("hub.anonymous", "Let in subscribers without a token. They get public events only.",
              SLUICE_AT(access.anonymous)),
      live(C::tables("hub.publisher_keys", "array of keys",
                     "Keys whose tokens may publish. Without any, and without "
                     "publisher_certificates, nobody can publish.")),
      live(
          C::list("hub.publisher_certificates",
                  "Names in clients' certificates (DNS, URI or e-mail of the subject alternative "
                  "names, or the whole subject, as \"CN=app,O=Example\") that may publish to every "
                  "topic without a token, on listeners with `client_certificates`.",
                  SLUICE_AT(access.publisher_certificates))),
      live(C::tables("hub.subscriber_keys", "array of keys",
                     "Keys whose tokens may subscribe, to private events too.")),
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
      C::count("hub.presence_per_second", {0, 10'000'000},
               "Events per second that tell of those who come, with a token; as many of those who "
               "go; and as many of both without a token. So they do not push all others out of "
               "history; what is beyond it is listed only. 0: no bound.",
               SLUICE_AT(access.presence.per_second)),
      C::count("hub.presence_burst", {1, 10'000'000},
               "Such events at once, after a pause; of each of the four kinds.",
               SLUICE_AT(access.presence.burst)),
      C::list("hub.cors_origins",
              "Origins whose pages may read, as \"https://app.example\"; \"*\": all, but without "
              "cookies and tokens.",
              SLUICE_AT(access.cors.origins)),
      C::duration("hub.cors_max_age", {0ms, 24h},
                  "How long a browser may remember the answer to a preflight.",
                  SLUICE_AT(access.cors.max_age)),
  };
}

std::vector<Row<Config>> token_rows() {
  return {
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
  };
}

std::vector<Row<Config>> hub_rows() {
  return {
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
          "all. A costly one counts for several.",
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
  };
}

std::vector<Row<Config>> history_rows() {
  return {
      C::choice<Journal>(
          "history.journal",
          {{"memory", Journal::memory}, {"file", Journal::file}, {"redis", Journal::redis}},
          "What orders and keeps events: memory, which the end of the process ends; a file; a "
          "stream of Redis (6.2 or newer), which several instances share.",
          SLUICE_AT(history.journal)),
      C::text("history.path", "Folder of the file journal, for it alone; made if need be.",
              SLUICE_AT(history.file.path)),
      C::count("history.max_events", from(1), "Events that a client can still come back to.",
               SLUICE_AT(history.file.retention.events)),
      C::size("history.max_bytes", from(64_KiB),
              "Their size as they are kept; the oldest go first.",
              SLUICE_AT(history.file.retention.bytes)),
      C::duration("history.max_age", {0ms, 24h * 365 * 10},
                  "File, Redis: how old they may be; 0s: as old as they like.",
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
              "File, Redis: memory for events that were read, for the next who asks for them.",
              SLUICE_AT(history.file.cache_bytes)),
      C::count("history.window_events", from(1),
               "File, Redis: newest events in memory, for each worker; what is older is read.",
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

}  // namespace sluice::server
