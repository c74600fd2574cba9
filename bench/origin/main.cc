/// origin: an SSE application to stand behind a relay that is measured.

#include <cstdio>
#include <string_view>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/net.h"
#include "bench/origin/application.h"

namespace {

constexpr std::string_view kUsage =
    R"(origin: an SSE application, in the clear: HTTP/1.1, and HTTP/2 by prior knowledge

  --port N          to listen on (0: any)
  --max-streams N   of each HTTP/2 connection (256)

  GET /app/events?stream=N&rate=N|max&size=N&greet=on
                    a stream of its own events, in ticks of 1 ms: rate a second (0: none, ever),
                    size bytes of data; greet: a comment comes with the head
  GET /app/posted?greet=on
                    a stream of what is posted to /app/posted, over HTTP/1.1
  GET /origin/counts  lines: requests N, open N, connections N, all of them for streams; and of
                    each number: stream NUMBER SEQUENCE BYTES
  GET /origin/stop  the same, and there are no events any more

Prints one line when ready: ready http://127.0.0.1:PORT
)";

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::bench;
  Args args(argc, argv, kUsage);
  const Application::Options options{
      .port = static_cast<std::uint16_t>(args.number("port", 0, {0, 65'535})),
      .most_streams = static_cast<std::uint32_t>(args.number("max-streams", 256, {1, 1'000'000}))};
  args.finish();
  ignore_broken_pipes();
  Application application(options);
  fmt::print("ready http://127.0.0.1:{}\n", application.port());
  std::fflush(stdout);
  application.run();
  return 0;
}
