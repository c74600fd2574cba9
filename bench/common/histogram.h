/// Histogram: durations in nanoseconds, kept to better than 1 % in a fixed 58 KiB.
///
/// Buckets are logarithmic with 128 linear steps in each power of two, so that recording is a
/// shift and an increment and a percentile is off by less than 1/128 of its value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice::bench {

class Histogram {
 public:
  void record(std::uint64_t ns) {
    counts_[bucket_of(ns)] += 1;
    count_ += 1;
    max_ = std::max(max_, ns);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  /// The duration that `share` (0 to 1) of all recorded ones do not exceed; 0 when empty.
  [[nodiscard]] std::uint64_t percentile(double share) const;

 private:
  static constexpr unsigned kStepBits = 7;
  static constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
  static constexpr std::size_t kBuckets = (64 - kStepBits + 1) * kSteps;

  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < kSteps) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - kStepBits - 1;
    return (std::size_t{shift} + 1) * kSteps + ((ns >> shift) - kSteps);
  }
  static std::uint64_t upper_end_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace sluice::bench
