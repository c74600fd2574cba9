/// Options of the relay: upstreams, routes, and what a route does with what passes through it.
///
/// Filled by server/config; plain values, read-only once the workers run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gateway/base/units.h"
#include "gateway/http/headers.h"

namespace sluice::relay {

/// What is spoken to an upstream.
enum class Wire : std::uint8_t {
  any,  ///< https: what ALPN chooses; http: HTTP/1.1.
  h1,
  h2,  ///< In the clear by prior knowledge.
};

/// One [[upstream]] table, or what a route's `upstream` stands for.
struct UpstreamOptions {
  std::string name;               ///< For metrics and logs; a route's URL if it has none.
  std::vector<std::string> urls;  ///< "http://127.0.0.1:9000": scheme, host, port, nothing more.
  Wire wire = Wire::any;
  std::string ca_file;           ///< PEM: whom to trust; empty: whom the system trusts.
  bool verify = true;            ///< False: take any certificate.
  std::string server_name;       ///< What the certificate must be for; empty: the URL's host.
  std::string certificate_file;  ///< PEM: who we are, where an upstream asks; with key_file.
  std::string key_file;
  Millis connect_timeout{5'000};         ///< Resolving, connecting and the TLS handshake.
  std::size_t max_connections = 10'000;  ///< Of one worker, to all addresses together.
  std::size_t max_waiting = 1'000;       ///< Requests of one worker that wait for a connection.
  std::size_t max_idle = 64;             ///< HTTP/1.1 connections kept for later, of each address.
  Millis idle_timeout{4'000};            ///< How long they are kept: less than upstreams keep them.
  Millis backoff{500};              ///< An address that failed rests so long, then twice that …
  Millis backoff_max{30'000};       ///< … up to this, as long as others are well.
  Millis resolve_interval{30'000};  ///< How long a name's addresses are believed.
  std::size_t window = 64_KiB;      ///< Bytes of an answer read ahead of its client.
};

enum class HeartbeatForm : std::uint8_t {
  line,   ///< ":\n"; no client takes it for an event.
  block,  ///< ":\n\n", for clients that split at blank lines.
  event,  ///< An event of a type of its own, for clients that watch for life.
  off,
};

/// How a client is told that its upstream failed in the midst of an answer.
enum class ErrorForm : std::uint8_t {
  reset,      ///< As it happened: the answer breaks off (HTTP/2: RST_STREAM).
  event,      ///< `event: error`, data {"error":{…}}, clean end.
  openai,     ///< data {"error":{…}}, as OpenAI's API does.
  anthropic,  ///< `event: error`, data {"type":"error","error":{…}}.
};

/// What an EventSource gets whose upstream cannot be reached. On anything but 200 browsers never
/// ask again.
enum class Unavailable : std::uint8_t {
  park,    ///< 200, a `retry`, end: it comes back by itself.
  status,  ///< 502, 503 or 504, as everybody else.
};

/// What an upstream is told when its client has gone.
enum class OnDisconnect : std::uint8_t {
  cancel,  ///< At once, when the last one has; share.linger holds all the same.
  linger,  ///< Nothing, until replay.linger has passed; only with replay.
};

/// What a reader of a shared or replayed stream gets that cannot keep up; as hub::Policy.
enum class SlowReader : std::uint8_t {
  replay,  ///< All that is still held, after a gap event if something is not.
  latest,  ///< The newest of each type.
  drop,    ///< What is newest; a gap event says how many it lost.
  close,   ///< The end of its stream; it comes back with its Last-Event-ID.
};

/// What somebody gets first who joins a shared stream in its midst.
enum class LateJoiner : std::uint8_t {
  none,    ///< What comes from now on.
  events,  ///< The last `late_events`.
  types,   ///< The last of each type.
};

/// What a stream does whose upstream said, properly, that the answer is complete.
enum class OnEnd : std::uint8_t {
  end,        ///< Ends its readers' streams.
  reconnect,  ///< Asks again, with its Last-Event-ID, as an EventSource would.
};

struct ShareOptions {
  bool enabled = false;
  std::vector<std::string> headers;  ///< Lower case; requests that differ in one share nothing.
  bool across_credentials = false;   ///< One stream for all, whatever cookies and tokens they send.
  LateJoiner late = LateJoiner::none;
  std::size_t late_events = 10;
  Millis linger{5'000};  ///< How long it goes on without readers.
};

struct ReplayOptions {
  bool enabled = false;
  std::size_t events = 1'000;  ///< Held of each stream, also without replay where it is shared.
  std::size_t bytes = 1_MiB;
  Millis linger{30'000};  ///< How long a stream waits for its reader to come back.
  bool post = false;      ///< Answers to POST too: `sluice-stream-id`, GET and DELETE with it.
};

/// One [[route]] table: which requests, where to, and how.
struct RouteOptions {
  std::string name;  ///< For metrics and logs; its path if it has none.
  // Which requests: all of these must fit. The first route that fits takes the request.
  std::vector<std::string> hosts;    ///< Lower case, without port; "*.example.org". Empty: all.
  std::string path;                  ///< "/app/*": all that begins so; else exactly this.
  std::vector<std::string> methods;  ///< Empty: all.
  http::Headers match_headers;       ///< With these values; "*": whatever the value.
  // Where to.
  std::size_t upstream = 0;  ///< Index of the list of upstreams.
  std::string strip_prefix;  ///< Taken off the path's front: "/app".
  std::string rewrite;       ///< "/v2/*": the path; "*" stands for what the route's own "*" took.
  std::string host;          ///< Host for the upstream; empty: the client's.
  http::Headers set_request_headers;
  std::vector<std::string> remove_request_headers;
  http::Headers set_response_headers;
  std::vector<std::string> remove_response_headers;
  std::size_t max_request_bytes = 0;  ///< A larger body is answered with 413; 0: no bound.
  // Its streams.
  HeartbeatForm heartbeat = HeartbeatForm::line;
  std::string heartbeat_event;        ///< With HeartbeatForm::event: its type.
  Millis heartbeat_interval{15'000};  ///< Of silence.
  Millis min_retry{1'000};            ///< A `retry` below becomes this …
  Millis max_retry{3'600'000};        ///< … and one above becomes this.
  Millis first_byte_timeout{60'000};  ///< Until the answer's head; 0: none.
  Millis silence_timeout{0};          ///< Of the upstream, within an answer; 0: none.
  Millis early_after{0};              ///< Answer before the upstream does; 0: never.
  ErrorForm errors = ErrorForm::reset;
  Unavailable unavailable = Unavailable::park;
  OnDisconnect on_disconnect = OnDisconnect::cancel;
  OnEnd on_end = OnEnd::end;
  SlowReader slow = SlowReader::replay;
  std::size_t max_event_bytes = 1_MiB;  ///< Of a shared or replayed stream.
  ShareOptions share;
  ReplayOptions replay;
};

/// A `retry:` is drawn evenly between two bounds, so that clients do not come back all at once.
struct RetryRange {
  Millis min{2'000};  ///< Of a stream that is ended.
  Millis max{6'000};
  Millis parked_min{5'000};  ///< Of one that cannot be served now.
  Millis parked_max{30'000};
};

/// What all routes have together, of one process.
struct LimitOptions {
  std::size_t sources = 10'000;        ///< Shared and replayed streams; the next is only relayed.
  std::size_t replay_bytes = 512_MiB;  ///< What they hold in all; the longest without reader goes.
};

}  // namespace sluice::relay
