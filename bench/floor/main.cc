/// floor: the same bytes through OpenSSL and a socket, to measure a gateway against.

#include <cstdio>
#include <string_view>

#include <fmt/core.h>

#include "bench/common/args.h"
#include "bench/common/net.h"
#include "bench/floor/server.h"

namespace {

constexpr std::string_view kUsage =
    R"(floor: the least that Server-Sent Events over HTTP/2 and TLS can cost

  --cert FILE --key FILE   PEM, required
  --batch on|off           send once per loop turn, or once per publish (off)
  --tls-port N             HTTP/2 over TLS 1.3; every GET is answered with the event stream (0: any)
  --clear-port N           HTTP/1.1 in the clear; every POST is an event (0: any)

Prints one line when ready: ready https://127.0.0.1:PORT http://127.0.0.1:PORT
)";

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::bench;
  Args args(argc, argv, kUsage);
  const auto batch = args.text("batch", "off");
  if (batch != "on" && batch != "off") die("--batch: on or off");
  const Range ports{0, 65'535};
  const Server::Options options{
      .tls_port = static_cast<std::uint16_t>(args.number("tls-port", 0, ports)),
      .clear_port = static_cast<std::uint16_t>(args.number("clear-port", 0, ports)),
      .certificate = args.required_text("cert"),
      .key = args.required_text("key"),
      .batch = batch == "on"};
  args.finish();
  ignore_broken_pipes();
  Server server(options);
  fmt::print("{}\n", server.ready_line());
  std::fflush(stdout);
  server.run();
  return 0;
}
