#include "bench/crowd/options.h"

#include <string_view>

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    R"(crowd: what many streams at once do to each other, against Sluice

  --scene SCENE          flood: behind a relay, one reader that takes little of a stream that has
                         no end, beside others; follow: an instance that needs few of the
                         events that it follows; fair: a firehose beside quiet streams; slow:
                         readers that take little or nothing; million: very many streams opened,
                         kept, fed and drained (it ends the server by SIGTERM); storm: deliveries
                         while others connect; overload: deliveries while hostile clients hold all
                         they can get
  --url URL              where the streams are: https://HOST:PORT
  --publish-url URL      where is published, over HTTP/2: https:// or http:// (not for flood)
  --source URL           flood: the application behind the relay, bench/origin
  --source-pid N[,N]     and its processes
  --token TOKEN          bearer token of the publishers
  --connections N        TLS connections (1)
  --streams N            streams of each connection (100)
  --connecting N         connections that are set up at once (64)
  --topics N             that are read (1)
  --size BYTES           data of each event (100)
  --rate N               events per second, over all topics (1000), or flood: of each quiet
                         stream; not for million
  --in-flight N          fair: events of the firehose that are under way at once (256)
  --share PERCENT        fair: of the firehose's most, in the phase that is measured (70)
  --block N              slow: connections that read the same topics (1)
  --deaf N               slow: connections that are not read at all (0)
  --stalled N            slow: streams of the others that take nothing (0)
  --slow N               slow: streams of the others that take --slow-bytes a second (0)
  --slow-bytes N         (1000), and of the flood, whose events have --flood-size bytes (16000)
  --newcomers N          storm: connections of a wave, with one stream each (2000)
  --attackers N          overload: hostile clients at once (6000), from 200 addresses
  --history N            overload: events that are there before they come (10000)
  --budget MIB           overload: memory that the server may take (256)
  --pause SEC            follow: what comes due within this is published together (0)
  --heartbeat-limit SEC  million: for each stream to get a heartbeat (60)
  --stream-window BYTES  HTTP/2 flow control of a stream (6291456, as Chromium)
  --connection-window B  and of a connection (15728640)
  --setup-limit SEC      for all streams to have their first byte (120)
  --warmup SEC           published but not measured (1)
  --duration SEC         of each phase that is measured (5)
  --drain-limit SEC      for what is still under way at the end (30)
  --server-pid N[,N]     processes whose CPU and memory are measured
  --redis-port N         of the Redis on this machine that they share, whose work is told
  --json FILE            the report, for programs

Exit status: 0 clean, 1 a gap, duplicate, disorder or error was seen, 2 it could not run.
)";

}  // namespace

CrowdOptions crowd_options_from(int argc, char** argv) {
  Args args(argc, argv, kUsage);
  CrowdOptions options;
  Options& load = options.load;
  options.scene = args.required_text("scene");
  load.subscribe = args.secure_url("url");
  load.publishers = 1;
  if (options.scene == "flood") {
    read_source(args, load);
    if (!load.has_source()) die("--source: flood needs the application behind the relay");
  } else {
    load.subscribe.path = "/events/bench";
    options.publish = args.url("publish-url");
    options.publish.path = "/events";
  }
  load.connections = args.number("connections", 1, {1, 100'000});
  load.streams = args.number("streams", 100, {1, 1'000});
  load.connecting = args.number("connecting", load.connecting, {1, 10'000});
  load.topics = args.number("topics", 1, {1, 100'000});
  options.rate = static_cast<double>(args.number("rate", 1'000, {1, 1'000'000}));
  load.rate = static_cast<std::uint64_t>(options.rate);
  options.firehose_in_flight = args.number("in-flight", options.firehose_in_flight, {1, 1'000'000});
  options.firehose_share = args.number("share", options.firehose_share, {1, 100});
  options.block = args.number("block", 1, {1, load.connections});
  options.deaf = args.number("deaf", 0, {0, load.connections - 1});
  const auto heard = load.subscribers() - options.deaf * load.streams;
  options.stalled = args.number("stalled", 0, {0, heard - 1});
  options.slow = args.number("slow", 0, {0, heard - 1 - options.stalled});
  options.slow_bytes = args.number("slow-bytes", options.slow_bytes, {1, 1'000'000});
  options.flood_size = args.number("flood-size", options.flood_size, {40, 100'000});
  options.newcomers = args.number("newcomers", options.newcomers, {1, 10'000});
  options.attackers = args.number("attackers", options.attackers, {1, 18'000});
  options.history = args.number("history", options.history, {1, 10'000'000});
  options.budget_mib = args.number("budget", options.budget_mib, {1, 1'000'000});
  options.pause_ns = args.seconds("pause", 0);
  options.heartbeat_limit_ns = args.seconds("heartbeat-limit", 60);
  read_common(args, load);
  read_times(args, load, {.setup_limit = 120, .warm_up = 1, .duration = 5, .drain_limit = 30});
  args.finish();
  return options;
}

}  // namespace sluice::bench
