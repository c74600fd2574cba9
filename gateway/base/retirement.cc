#include "gateway/base/retirement.h"

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

}  // namespace sluice
