#include "gateway/base/retirement.h"

#include <algorithm>

namespace sluice {

TimePoint retires_at(const RetirementOptions& options, TimePoint created, std::uint64_t id) {
  if (options.age == Duration::zero()) return TimePoint::max();
  // Neighbouring numbers lie far apart (Knuth's multiplicative hash).
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  constexpr int kSteps = 1024;
  const auto step = static_cast<Duration::rep>((id * kGolden) >> 54);  // 0 … 1023
  const Duration tenth = options.age / 10;
  return created + options.age - tenth + 2 * tenth * step / kSteps;
}

std::size_t Retirement::take_due(TimePoint now) {
  std::size_t due = streams_;
  if (!is_over(now)) {
    const double part = static_cast<double>((now - begin_).count()) /
                        static_cast<double>(std::max<Duration::rep>(1, window_.count()));
    due = std::min(streams_, static_cast<std::size_t>(part * static_cast<double>(streams_)));
  }
  const std::size_t more = due - std::min(due, told_);
  told_ += more;
  return more;
}

TimePoint Retirement::next(TimePoint now) const {
  const TimePoint end = begin_ + window_;
  if (now >= end || streams_ == 0) return std::max(now, end);
  return std::min(end, now + std::max<Duration>(window_ / static_cast<Duration::rep>(streams_),
                                                std::chrono::milliseconds(20)));
}

}  // namespace sluice
