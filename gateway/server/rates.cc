#include "gateway/server/rates.h"

#include <algorithm>
#include <cmath>

namespace sluice::server {

Rates::Bucket& Rates::fill(const std::string& publisher, TimePoint now) {
  const auto burst = static_cast<double>(options_.burst);
  if (const auto known = by_publisher_.find(publisher); known != by_publisher_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, known->second);
  } else {
    if (buckets_.size() >= max_publishers_) {
      by_publisher_.erase(buckets_.back().publisher);
      buckets_.pop_back();
    }
    buckets_.push_front({publisher, burst, now});
    by_publisher_.emplace(buckets_.front().publisher, buckets_.begin());
  }
  Bucket& bucket = buckets_.front();
  // Workers' clocks are read at different moments: one may be a little behind.
  const double seconds = std::max(0.0, std::chrono::duration<double>(now - bucket.filled).count());
  bucket.level = std::min(burst, bucket.level + seconds * static_cast<double>(options_.per_second));
  bucket.filled = std::max(bucket.filled, now);
  return bucket;
}

Duration Rates::take(const std::string& publisher, std::size_t n, TimePoint now) {
  if (!is_limited()) return Duration(0);
  const std::lock_guard lock(mutex_);
  Bucket& bucket = fill(publisher, now);
  const auto needed = static_cast<double>(std::min(n, options_.burst));
  if (bucket.level + 1e-6 < needed) {
    const double seconds = (needed - bucket.level) / static_cast<double>(options_.per_second);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e9)));
  }
  bucket.level -= static_cast<double>(n);
  return Duration(0);
}

std::size_t Rates::take_some(const std::string& publisher, std::size_t most, TimePoint now) {
  if (!is_limited()) return most;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = fill(publisher, now);
  const std::size_t there = bucket.level < 1 ? 0 : static_cast<std::size_t>(bucket.level);
  const std::size_t taken = std::min(most, there);
  bucket.level -= static_cast<double>(taken);
  return taken;
}

std::size_t Rates::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

}  // namespace sluice::server
