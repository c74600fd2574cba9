/// Pace: for how many entries Redis is asked at once, so that an answer takes about a quarter of
/// what it may: few of large ones, many of small ones.
///
/// It asks for at most four times as many as before. Where that was too much all the same, or did
/// not come in time, it begins anew with one.
///
/// Owner   who asks. Thread  its thread. Units  bytes of memory (Reply::memory()).
#pragma once

#include <algorithm>
#include <cstddef>

namespace sluice::redis {

class Pace {
 public:
  /// `answer_bytes`: what an answer may take.
  Pace(std::size_t first, std::size_t most, std::size_t answer_bytes)
      : most_(most), bytes_(answer_bytes / 4), count_(first) {}

  [[nodiscard]] std::size_t count() const { return count_; }
  void took(std::size_t entries, std::size_t bytes) {
    if (entries == 0) return;
    const std::size_t each = std::max<std::size_t>(bytes / entries, 1);
    count_ = std::clamp<std::size_t>(bytes_ / each, 1, std::min(count_ * 4, most_));
  }
  void was_too_much() { count_ = 1; }

 private:
  const std::size_t most_;
  const std::size_t bytes_;
  std::size_t count_;
};

}  // namespace sluice::redis
