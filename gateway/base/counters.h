/// Counter, Gauge, Histogram: counted by one thread, read by any.
///
/// Each worker has its own set, so that counting is a plain load and store and never a locked
/// instruction; the sets are added up when somebody asks.
/// Thread  written by the owner's thread only; read by any.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sluice {

/// Only rises.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Rises and falls.
class Gauge {
 public:
  void add(std::int64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void sub(std::int64_t n = 1) { add(-n); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// Is counted in a gauge for as long as it lives.
class Counted {
 public:
  explicit Counted(Gauge& gauge) : gauge_(gauge) { gauge_.add(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { gauge_.sub(); }

 private:
  Gauge& gauge_;
};

/// Seconds in buckets by powers of about three, from 10 µs to 10 s.
class Histogram {
 public:
  static constexpr std::array<double, 13> kBounds{
      0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0};

  void observe(double seconds) {
    const auto at = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
    counts_[static_cast<std::size_t>(at - kBounds.begin())].add();
    sum_ns_.add(static_cast<std::uint64_t>(seconds * 1e9));
  }
  /// Observations in bucket `i` alone; bucket kBounds.size() is "more than the last bound".
  [[nodiscard]] std::uint64_t count(std::size_t i) const { return counts_[i].value(); }
  [[nodiscard]] double sum() const { return static_cast<double>(sum_ns_.value()) / 1e9; }

 private:
  std::array<Counter, kBounds.size() + 1> counts_;
  Counter sum_ns_;
};

}  // namespace sluice
