#include <string_view>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/resume/resume_run.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    R"(resume: readers that come back to Sluice, behind by some events, on a long history

  --url URL              where each stream reads: https://HOST:PORT
  --publish-url URL      where is published, over HTTP/2: https:// or http://
  --token TOKEN          bearer token of the publishers
  --connections N        TLS connections (100)
  --streams N            streams of each connection (100)
  --topics N             that they read: stream S reads topic S % N alone (1)
  --missed N             events of each topic that each stream has missed, and then gets live (100)
  --others N             events of 1000 other topics (1000000)
  --place far|recent     far: the other events are newer than the missed; recent: older (recent)
  --spread SEC           the connections come evenly within this time (2)
  --live-batch N         live, so many events of each topic at once (16)
  --size BYTES           data of each event (100)
  --stream-window BYTES  HTTP/2 flow control of a stream (6291456, as Chromium)
  --connection-window B  and of a connection (15728640)
  --settle SEC           pause before each phase (1)
  --fill-limit SEC       for each stream that fills the history (120)
  --phase-limit SEC      for each of the other phases (60)
  --server-pid N[,N]     processes whose CPU is measured
  --redis-port N         of the Redis on this machine that they share, whose work is told
  --json FILE            the report, for programs

Exit status: 0 clean, 1 a gap, duplicate, disorder or error was seen, 2 it could not run.
)";

}  // namespace

ResumeOptions resume_options_from(int argc, char** argv) {
  Args args(argc, argv, kUsage);
  ResumeOptions options;
  Options& load = options.load;
  load.subscribe = args.secure_url("url");
  load.subscribe.path = "/events/bench";
  options.publish = args.url("publish-url");
  options.publish.path = "/events";
  load.connections = args.number("connections", 100, {1, 10'000});
  load.streams = args.number("streams", 100, {1, 1'000});
  load.topics = args.number("topics", 1, {1, 100'000});
  load.publishers = 1;
  options.missed = args.number("missed", options.missed, {1, 1'000'000});
  options.others = args.number("others", options.others, {1, 100'000'000});
  const auto place = args.text("place", "recent");
  if (place != "far" && place != "recent") die("--place: far or recent");
  options.is_far = place == "far";
  options.spread_ns = args.seconds("spread", 2);
  options.live_batch = args.number("live-batch", options.live_batch, {1, 1'000'000});
  load.settle_ns = args.seconds("settle", 1);
  options.fill_limit_ns = args.seconds("fill-limit", 120);
  options.phase_limit_ns = args.seconds("phase-limit", 60);
  read_common(args, load);
  args.finish();
  return options;
}

}  // namespace sluice::bench
