#include "bench/load/options.h"

#include <string_view>

#include <fmt/core.h>

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    R"(load: subscribers and publishers for a Server-Sent-Events server

  --url URL              where each stream subscribes: https://HOST:PORT/PATH, HTTP/2 over TLS
  --publish-url URL      where events are posted, HTTP/1.1, http:// or https:// (not with --rate 0)
  --source URL           the application behind a relay, bench/origin: each stream reads its own
                         events of it, --rate a second each, and nothing is published
  --source-pid N[,N]     its processes, whose CPU is told
  --ready byte|head      a stream is ready with its first byte, which the application sends at
                         once, or with its head, behind which it says nothing (byte)
  --token TOKEN          bearer token of the publishers
  --connections N        TLS connections (1); certificates are not verified
  --streams N            streams of each connection (1)
  --rehearsal N          connections that come and go before memory is read for the first time, so
                         that what a server takes once is not in its growth (0)
  --connecting N         connections that are set up at once (64)
  --size BYTES           data of each event (100)
  --rate N|max           events per second, or as fast as --window allows (max); 0 publishes none
  --window N             events in flight with --rate max (16): a publish starts only while
                         published - deliveries/subscribers < N
  --publishers N         keep-alive connections that publish (8)
  --stream-window BYTES  HTTP/2 flow control of a stream (6291456, as Chromium)
  --connection-window B  and of a connection (15728640)
  --setup-limit SEC      for all streams to have their 200 and first byte (60)
  --settle SEC           pause before the warm-up (0)
  --warmup SEC           published but not measured (1)
  --duration SEC         measured (10)
  --drain-limit SEC      for what is still under way at the end (5)
  --leave SEC            then all connections are closed, and memory is read after this time (0: not)
  --returns N            times that they all come and leave again (0)
  --server-pid N[,N]     processes whose CPU and memory are measured
  --redis-port N         of the Redis on this machine that they share, whose work is told
  --json FILE            the report, for programs

Exit status: 0 clean, 1 a gap, duplicate, disorder or error was seen, 2 it could not run.
)";

std::uint64_t rate_from(Args& args) {
  if (args.text("rate", "max") == "max") return Options::kAsFastAsItGoes;
  return args.number("rate", 0, {.most = 1'000'000});
}

}  // namespace

std::string Options::path_of(std::size_t stream) const {
  if (has_source()) {
    const auto pace = rate == kAsFastAsItGoes ? std::string("max") : fmt::format("{}", rate);
    return fmt::format("{}?stream={}&rate={}&size={}&greet={}", subscribe.path, stream, pace, size,
                       is_ready_at_head ? "off" : "on");
  }
  return topics == 0 ? subscribe.path : fmt::format("{}/{}", subscribe.path, stream % topics);
}

void read_common(Args& args, Options& options) {
  options.token = args.text("token", {});
  options.size = args.number("size", options.size, {40, 16'000'000});
  options.stream_window = args.window("stream-window", options.stream_window, 1);
  options.connection_window = args.window("connection-window", options.connection_window);
  options.server_pids = args.numbers("server-pid");
  options.redis_port = static_cast<std::uint16_t>(args.number("redis-port", 0, {.most = 65'535}));
  options.json_file = args.text("json", {});
}

void read_source(Args& args, Options& options) {
  if (args.has("source")) {
    options.source = args.url("source");
    options.publishers = 1;  // of each stream: the application
  }
  options.source_pids = args.numbers("source-pid");
  const auto ready = args.text("ready", "byte");
  if (ready != "byte" && ready != "head") die("--ready: byte or head");
  options.is_ready_at_head = ready == "head";
}

void read_times(Args& args, Options& options, const Times& otherwise) {
  options.setup_limit_ns = args.seconds("setup-limit", otherwise.setup_limit);
  options.warm_up_ns = args.seconds("warmup", otherwise.warm_up);
  options.duration_ns = args.seconds("duration", otherwise.duration);
  options.drain_limit_ns = args.seconds("drain-limit", otherwise.drain_limit);
}

Options options_from(int argc, char** argv) {
  Args args(argc, argv, kUsage);
  Options options;
  options.subscribe = args.secure_url("url");
  options.rate = rate_from(args);
  options.publishers = args.number("publishers", options.publishers, {1, 1'000});
  read_source(args, options);
  if (options.rehearsal > 0 && options.rate > 0 && options.has_source()) {
    die("--rehearsal: streams that have events begin at their first, twice; so with --rate 0");
  }
  if (options.publishes() || args.has("publish-url")) options.publish = args.url("publish-url");
  options.connections = args.number("connections", options.connections, {1, 100'000});
  options.streams = args.number("streams", options.streams, {1, 100'000});
  options.rehearsal = args.number("rehearsal", options.rehearsal, {0, options.connections});
  options.connecting = args.number("connecting", options.connecting, {1, 10'000});
  options.window = args.number("window", options.window, {1, 1'000'000});
  options.settle_ns = args.seconds("settle", 0);
  options.leave_ns = args.seconds("leave", 0);
  options.returns = args.number("returns", 0, {.most = 1'000});
  read_common(args, options);
  read_times(args, options, {.setup_limit = 60, .warm_up = 1, .duration = 10, .drain_limit = 5});
  args.finish();
  return options;
}

}  // namespace sluice::bench
