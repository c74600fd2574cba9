#include "bench/common/histogram.h"

#include <cmath>

namespace sluice::bench {

std::uint64_t Histogram::upper_end_of(std::size_t bucket) {
  if (bucket < kSteps) return bucket;
  const auto shift = bucket / kSteps - 1;
  return ((bucket % kSteps + kSteps + 1) << shift) - 1;
}

std::uint64_t Histogram::percentile(double share) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (counts_[bucket] != 0 && seen >= rank) return std::min(upper_end_of(bucket), max_);
  }
  return 0;
}

}  // namespace sluice::bench
