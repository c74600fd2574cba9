/// What is relayed of an event stream: whatever its bytes, however they are cut, and with
/// heartbeats wherever one may come, a client sees the same events, ids and clamped retries.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/gateway_relay/filter_property.h"

namespace {

constexpr std::size_t kMaxStream = 1024;  // The check's cost grows with the square.

/// Lengths of pieces, from 1 to `longest`, in an order that `seed` gives.
struct Cuts {
  std::uint32_t seed;
  std::uint32_t longest;
  std::size_t operator()() {
    seed = seed * 1664525U + 1013904223U;
    return 1 + (seed >> 16U) % longest;
  }
};

}  // namespace

/// The first byte says how long the pieces are and what the heartbeats look like, the second how
/// the pieces follow each other, the third where a drain begins.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {  // NOLINT
  using sluice::relay::HeartbeatForm;
  if (size < 3 || size > kMaxStream) return 0;
  const std::string stream(data + 3, data + size);
  const Cuts cuts{.seed = data[1], .longest = data[0] % 32U + 1};
  const auto form = data[0] < 128 ? HeartbeatForm::line : HeartbeatForm::block;
  sluice::relay::check_filter(stream, form, Cuts(cuts));
  sluice::relay::check_drain(stream, std::min<std::size_t>(data[2], stream.size()), Cuts(cuts));
  return 0;
}
