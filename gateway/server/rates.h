/// Rates: how many events each publisher may publish per second, as one token bucket for each.
///
/// Publishers are told apart by a name that their token gives. The buckets of those that were seen
/// last are kept; one that is forgotten is full again when its publisher comes back.
/// Owner   server::Shared. Thread  any: one short lock.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/clock.h"

namespace sluice::server {

struct RateOptions {
  std::size_t per_second = 0;  ///< 0: no limit.
  std::size_t burst = 100;     ///< At once, after a pause.
};

class Rates {
 public:
  explicit Rates(RateOptions options, std::size_t max_publishers = 10'000)
      : options_(options), max_publishers_(max_publishers) {}

  [[nodiscard]] bool is_limited() const { return options_.per_second > 0; }
  /// Takes `n` and returns zero; or takes none, and returns how long to wait for them. More than
  /// the burst are had when the bucket is full, and paid for later.
  Duration take(const std::string& publisher, std::size_t n, TimePoint now);
  /// Takes as many as there are, `most` at the most.
  std::size_t take_some(const std::string& publisher, std::size_t most, TimePoint now);
  [[nodiscard]] std::size_t size() const;

 private:
  struct Bucket {
    std::string publisher;
    double level;
    TimePoint filled;
  };
  using Buckets = std::list<Bucket>;

  Bucket& fill(const std::string& publisher, TimePoint now);

  const RateOptions options_;
  const std::size_t max_publishers_;
  // Any thread, under mutex_.
  mutable std::mutex mutex_;
  Buckets buckets_;  ///< The one used last is at the front.
  std::unordered_map<std::string_view, Buckets::iterator> by_publisher_;
};

}  // namespace sluice::server
