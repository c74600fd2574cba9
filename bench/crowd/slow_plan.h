/// SlowPlan: which topic each stream reads, and how.
///
/// The last `deaf` connections are not read at all. Of the streams of the others exactly `stalled`
/// and `slow` are so, spread over connections and topics.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "bench/load/audience.h"

namespace sluice::bench {

struct SlowPlan {
  std::size_t connections = 1, streams = 1, topics = 1;
  std::size_t block = 1;  ///< Connections that have the same topics.
  std::size_t deaf = 0, stalled = 0, slow = 0;

  /// A block's topics are spread evenly over the streams of each of its connections.
  [[nodiscard]] std::size_t topic_of(std::size_t stream) const {
    const auto blocks = (connections + block - 1) / block;
    const auto each = std::max<std::size_t>(topics / blocks, 1);
    const auto own = stream % streams * each / streams;
    return (stream / streams / block * each + own) % topics;
  }
  [[nodiscard]] Pace pace_of(std::size_t stream) const {
    if (is_deaf(stream)) return Pace::full;
    const auto place = shuffled(stream);
    if (place < stalled) return Pace::none;
    return place < stalled + slow ? Pace::slow : Pace::full;
  }
  [[nodiscard]] bool is_deaf(std::size_t stream) const { return stream >= hearing(); }
  [[nodiscard]] bool is_healthy(std::size_t stream) const {
    return !is_deaf(stream) && pace_of(stream) == Pace::full;
  }

 private:
  [[nodiscard]] std::size_t hearing() const { return (connections - deaf) * streams; }
  /// Each of the hearing streams at another place: a step that has no factor in common with them.
  [[nodiscard]] std::size_t shuffled(std::size_t stream) const {
    std::size_t step = hearing() * 618 / 1000 + 1;  // the golden section spreads best
    while (std::gcd(step, hearing()) != 1) step += 1;
    return stream * step % hearing();
  }
};

}  // namespace sluice::bench
