#include <chrono>
#include <string_view>
#include <utility>

#include "gateway/server/config_rows.h"

namespace sluice::server {

using namespace std::chrono_literals;

using C = Make<Config>;

namespace {

constexpr std::size_t kLeastMemory = 32_MiB;

/// A size, or what the machine has.
Row<Config> memory_row() {
  constexpr std::string_view kAuto = "auto";
  Row<Config> row = C::size(
      "limits.memory", from(0),
      "What the process may use. \"auto\": three quarters of its cgroup's memory.max or "
      "memory.high, or half of the machine's memory. Of that: from 85 % on streams that are far "
      "behind wait; from 92 % idle connections and the slowest readers are told to come back "
      "later; from 95 % newcomers are, and /readyz answers 503; from 98 % nobody is accepted. "
      "0B: no limit.",
      SLUICE_AT(limits.memory));
  row.range = fmt::format("\"auto\", 0B or from {}", format_size(kLeastMemory));
  row.set = [kAuto, set = row.set](Config& config, const Value& value) -> Result<void> {
    const auto* text = std::get_if<std::string>(&value);
    if (text != nullptr && *text == kAuto) {
      config.limits.memory = kMemoryOfMachine;
      return {};
    }
    if (auto done = set(config, value); !done) return done;
    const std::size_t memory = config.limits.memory;
    if (memory == 0 || memory >= kLeastMemory) return {};
    return fail(Errc::invalid, fmt::format("{} is below the least, {}; 0B: no limit",
                                           format_size(memory), format_size(kLeastMemory)));
  };
  row.show = [kAuto, show = row.show](const Config& config) {
    return config.limits.memory == kMemoryOfMachine ? std::string(kAuto) : show(config);
  };
  return row;
}

std::vector<Row<Config>> address_rows() {
  return {
      C::count(
          "limits.connections_per_address", from(0),
          "Connections of one client's address (of IPv6: of its /64); the next one waits until "
          "one of them ends. A whole company, or the customers of a provider, may be behind "
          "one address. 0: no limit.",
          SLUICE_AT(limits.address.connections)),
      C::count("limits.handshakes_per_address", from(0),
               "TLS handshakes of one address every second; the next one waits for its turn. 0: no "
               "limit.",
               SLUICE_AT(limits.address.handshakes_per_second)),
      C::count("limits.handshake_burst", from(1), "The same at once, after a pause.",
               SLUICE_AT(limits.address.handshakes)),
      C::count("limits.streams_per_address", from(0),
               "Event streams of one address, which behind a trusted proxy is whom that names; the "
               "next one is told to come back later. 0: no limit.",
               SLUICE_AT(limits.address.streams)),
      C::list("limits.exempt",
              "Networks whose addresses have no limits of their own. Those of this machine and "
              "private ones, by default: a balancer that says nothing of its clients comes from "
              "there. Whoever is in server.trusted_proxies has none either.",
              SLUICE_AT(limits.address.exempt)),
      C::count("limits.waiting_room", from(1),
               "Connections that wait because of their address, at most an eighth of "
               "limits.connections; for the next one the oldest is closed.",
               SLUICE_AT(net.waiting_room)),
  };
}

std::vector<Row<Config>> total_rows() {
  return {
      live(C::count("limits.streams_per_connection", {1, 100'000},
                    "Event streams on one connection; the next one is told to come back later.",
                    SLUICE_AT(limits.streams_per_connection))),
      live(C::count("limits.streams", from(1),
                    "Event streams in all; the next one is told to come back later.",
                    SLUICE_AT(limits.streams))),
      C::count("limits.connections", from(1),
               "Connections in all; the next one waits to be accepted.",
               SLUICE_AT(limits.connections)),
      C::size("limits.bodies", {1_MiB, 64 * 1024_MiB},
              "Bodies of requests that are read whole, to publish or to subscribe by QUERY, of all "
              "clients together; beyond it they get 503.",
              SLUICE_AT(limits.bodies)),
      C::count("limits.backlog_events", from(1),
               "Events that wait for the slowest worker; beyond it publishers get 503.",
               SLUICE_AT(limits.backlog_events)),
      C::size("limits.backlog_bytes", {1_MiB, 64 * 1024_MiB}, "The same in bytes.",
              SLUICE_AT(limits.backlog_bytes)),
  };
}

std::vector<Row<Config>> connection_rows() {
  return {
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
      C::count("limits.handshakes_per_turn", {1, 10'000},
               "Steps of TLS handshakes, each as long as a hundred deliveries, before events have "
               "their turn; for each worker.",
               SLUICE_AT(net.handshakes_per_turn)),
      C::duration("limits.gather", {Millis(0), Millis(100)},
                  "For how long a busy worker lets relayed events wait, so that several leave one "
                  "connection in one write: three quarters of this, or all of it where its writing "
                  "takes an eighth of its time. Busy: three tenths of its time. 0: never, where "
                  "delay matters more than CPU.",
                  SLUICE_AT(limits.gather)),
      C::duration(
          "limits.max_connection_age", {Millis(0), 30 * 24h},
          "A connection that is so old, give or take a tenth, ends in good order: its event "
          "streams one by one within drain.window, each with a retry, so that clients spread "
          "over all gateways behind a balancer; 0: none is too old.",
          SLUICE_AT(h2.retirement.age), SLUICE_AT(h1.retirement.age)),
      C::duration(
          "limits.max_stream_duration", {Millis(0), 30 * 24h},
          "An event stream that is so old, or up to a tenth less, ends with a retry: sooner "
          "than a balancer would cut it; 0: it may be as old as it likes.",
          SLUICE_AT(limits.max_stream_duration)),
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

}  // namespace

std::vector<Row<Config>> limit_rows() {
  std::vector<Row<Config>> rows = total_rows();
  for (auto& row : connection_rows()) rows.push_back(std::move(row));
  rows.push_back(memory_row());
  for (auto& row : address_rows()) rows.push_back(std::move(row));
  return rows;
}

std::vector<Row<Config>> access_log_rows() {
  return {
      C::text("access_log.file",
              "A path, \"stdout\" or \"stderr\"; without it there is no access log. After a file "
              "was moved away, SIGUSR1 opens a new one.",
              SLUICE_AT(access_log.file)),
      C::choice<AccessFormat>("access_log.format",
                              {{"json", AccessFormat::json}, {"combined", AccessFormat::combined}},
                              "A JSON object in each line, or the combined format of Apache and "
                              "nginx, with a few words "
                              "more behind it where the answer is an event stream.",
                              SLUICE_AT(access_log.format)),
      C::size("access_log.queue", {64_KiB, 1024_MiB},
              "Lines that wait for a slow disk; the next one is dropped and counted.",
              SLUICE_AT(access_log.queue_bytes)),
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
      C::duration("timeouts.waiting", {100ms, 10min},
                  "For a connection to be let in that waits because of its address.",
                  SLUICE_AT(net.waiting_timeout)),
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
      C::duration("timeouts.body", {100ms, 1h},
                  "For a request's body to make progress. Over HTTP/2 it may take twice as long.",
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

}  // namespace sluice::server
