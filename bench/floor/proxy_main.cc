/// floor_proxy: the same bytes through OpenSSL and two sockets, to measure a relay against.

#include <cstdio>
#include <string_view>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/net.h"
#include "bench/floor/proxy.h"

namespace {

constexpr std::string_view kUsage =
    R"(floor_proxy: the least that a relay of Server-Sent Events can cost

  --cert FILE --key FILE   PEM, required
  --upstream URL           the application, http://, required; its path is not used
  --tls-port N             HTTP/2 over TLS 1.3 (0: any)

Prints one line when ready: ready https://127.0.0.1:PORT
)";

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::bench;
  Args args(argc, argv, kUsage);
  const Proxy::Options options{
      .tls_port = static_cast<std::uint16_t>(args.number("tls-port", 0, {0, 65'535})),
      .certificate = args.required_text("cert"),
      .key = args.required_text("key"),
      .upstream = args.url("upstream")};
  if (options.upstream.tls) die("--upstream: it is asked in the clear, so http://");
  args.finish();
  ignore_broken_pipes();
  Proxy proxy(options);
  fmt::print("{}\n", proxy.ready_line());
  std::fflush(stdout);
  proxy.run();
}
