/// PROXY headers: whatever comes, and however it is cut, the end is the same; nothing behind the
/// header is taken, and a bad one names nobody.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/assert.h"
#include "gateway/net/proxy_header.h"

namespace sluice::net {
namespace {

std::string outcome(std::string_view input, std::size_t step) {
  ProxyHeader header;
  std::string socket;
  for (std::size_t at = 0; at < input.size(); at += step) {
    socket += input.substr(at, step);
    const std::size_t taken = header.take(socket);
    SLUICE_ASSERT(taken <= socket.size(), "more was taken than is there");
    const bool waits = !header.is_complete() && !header.is_bad();
    SLUICE_ASSERT(!waits || taken == socket.size(), "what is awaited was left in the socket");
    socket.erase(0, taken);
  }
  SLUICE_ASSERT(!header.is_bad() || !header.has_client(), "a bad header names a client");
  SLUICE_ASSERT(header.is_bad() == !header.fault().empty(), "a fault without words");
  std::string text = header.is_bad() ? "bad: " + std::string(header.fault()) : "";
  if (header.is_complete()) text = "from " + header.client().to_string() + ", left " + socket;
  return text;
}

}  // namespace
}  // namespace sluice::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  const std::string text(data, data + size);
  const std::string whole = sluice::net::outcome(text, std::max<std::size_t>(size, 1));
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{16}}) {
    SLUICE_ASSERT(sluice::net::outcome(text, step) == whole, "a cut changes what a header says");
  }
  return 0;
}
