#include "gateway/h2/limits.h"

#include <algorithm>

namespace sluice::h2 {

TokenBucket::TokenBucket(Rate rate, TimePoint now)
    : rate_(rate), tokens_(static_cast<double>(rate.burst)), filled_(now) {}

bool TokenBucket::take(TimePoint now) {
  const double seconds = std::chrono::duration<double>(now - filled_).count();
  filled_ = now;
  const double earned = seconds * static_cast<double>(rate_.per_second);
  tokens_ = std::max(tokens_, std::min(static_cast<double>(rate_.burst), tokens_ + earned));
  if (tokens_ < 1.0) return false;
  tokens_ -= 1.0;
  return true;
}

void TokenBucket::give(std::uint64_t n) {
  tokens_ = std::min(tokens_ + static_cast<double>(n), 4.0 * static_cast<double>(rate_.burst));
}

}  // namespace sluice::h2
