#include <string_view>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/publish/publish_run.h"

namespace sluice::bench {
namespace {

constexpr std::string_view kUsage =
    R"(publish: publishers of every kind against Sluice, and one subscriber that checks what comes

  --url URL              where the subscriber reads: https://HOST:PORT
  --publish-url URL[,U]  where is published, over HTTP/2: https:// or http://; of several
                         instances each has every N-th connection
  --token TOKEN          bearer token of the publishers
  --kind KIND            form: an event a request; batch: a JSON array a request; stream: one
                         request on each connection with a text/event-stream (stream)
  --connections N        that publish (1)
  --in-flight N          requests at once on each connection (1)
  --batch N              events of each batch (100)
  --size BYTES           data of each event (100)
  --window N             events published and not delivered yet, at most (8192)
  --stream-window BYTES  HTTP/2 flow control of the subscriber's stream (6291456, as Chromium)
  --connection-window B  and of its connection (15728640)
  --setup-limit SEC      for all connections to be made (30)
  --warmup SEC           published but not measured (1)
  --duration SEC         measured (5)
  --drain-limit SEC      for what is still under way at the end (10)
  --server-pid N[,N]     processes whose CPU is measured
  --redis-port N         of the Redis on this machine that they share, whose work is told
  --json FILE            the report, for programs

Exit status: 0 clean, 1 a gap, duplicate, disorder or error was seen, 2 it could not run.
)";

PublishOptions::Kind kind_from(Args& args) {
  const auto text = args.text("kind", "stream");
  if (text == "form") return PublishOptions::Kind::form;
  if (text == "batch") return PublishOptions::Kind::batch;
  if (text != "stream") die(fmt::format("--kind: '{}' is not form, batch or stream", text));
  return PublishOptions::Kind::stream;
}

}  // namespace

PublishOptions publish_options_from(int argc, char** argv) {
  Args args(argc, argv, kUsage);
  PublishOptions options;
  Options& load = options.load;
  load.subscribe = args.secure_url("url");
  load.subscribe.path = "/events/bench/publish";
  options.publish = args.urls("publish-url");
  options.kind = kind_from(args);
  options.connections = args.number("connections", 1, {1, 10'000});
  options.in_flight = args.number("in-flight", 1, {1, 256});
  if (options.kind == PublishOptions::Kind::stream && options.in_flight != 1) {
    die("--in-flight: a stream is the only request of its connection");
  }
  options.batch = args.number("batch", 100, {1, 1'000});
  load.publishers = options.slots();
  load.window = args.number("window", 8'192, {1, 1'000'000});
  read_common(args, load);
  read_times(args, load, {.setup_limit = 30, .warm_up = 1, .duration = 5, .drain_limit = 10});
  args.finish();
  return options;
}

}  // namespace sluice::bench
