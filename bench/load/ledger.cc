#include "bench/load/ledger.h"

namespace sluice::bench {

void Ledger::note_irregular(std::size_t cell, std::uint32_t sequence) {
  auto& holes = holes_[cell];
  auto& last = last_[cell];
  if (sequence > last) {
    holes.emplace(sequence - 1, last + 1);
    last = sequence;
    return;
  }
  const auto hole = holes.lower_bound(sequence);
  if (hole == holes.end() || hole->second > sequence) {
    faults_.duplicates += 1;
    return;
  }
  faults_.out_of_order += 1;
  const auto [end, begin] = *hole;
  holes.erase(hole);
  if (begin < sequence) holes.emplace(sequence - 1, begin);
  if (sequence < end) holes.emplace(end, sequence + 1);
}

std::uint64_t Ledger::gaps(std::span<const std::uint32_t> published) const {
  auto missing = missing_between();
  for (std::size_t cell = 0; cell < last_.size(); ++cell) {
    const auto sent = published[cell % publishers_];
    if (last_[cell] < sent) missing += sent - last_[cell];
  }
  return missing;
}

std::uint64_t Ledger::gaps(const std::function<std::uint32_t(std::size_t stream)>& expected) const {
  auto missing = missing_between();
  for (std::size_t stream = 0; stream < last_.size(); ++stream) {
    const auto sent = expected(stream);
    if (last_[stream] < sent) missing += sent - last_[stream];
  }
  return missing;
}

std::uint64_t Ledger::missing_between() const {
  std::uint64_t missing = 0;
  for (const auto& [cell, holes] : holes_) {
    for (const auto& [end, begin] : holes) missing += end - begin + 1;
  }
  return missing;
}

}  // namespace sluice::bench
