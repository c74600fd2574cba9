/// TokenBucket: so many at once, so many per second from then on.
///
/// Thread  its owner's.
#pragma once

#include "gateway/base/clock.h"
#include "gateway/h2/options.h"

namespace sluice::h2 {

class TokenBucket {
 public:
  TokenBucket(Rate rate, TimePoint now);
  /// Takes one. False when there is none.
  [[nodiscard]] bool take(TimePoint now);
  /// Adds `n`, up to four times the burst.
  void give(std::uint64_t n);

 private:
  Rate rate_;
  double tokens_;
  TimePoint filled_;
};

}  // namespace sluice::h2
