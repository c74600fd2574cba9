#include "gateway/server/upstream_board.h"

#include <map>
#include <utility>

namespace sluice::server {

void UpstreamBoard::put(std::size_t worker, std::size_t upstream, Addresses addresses) {
  const std::lock_guard lock(mutex_);
  if (seen_.size() <= worker) seen_.resize(worker + 1);
  if (seen_[worker].size() <= upstream) seen_[worker].resize(upstream + 1);
  seen_[worker][upstream] = std::move(addresses);
}

UpstreamBoard::Addresses UpstreamBoard::of(std::size_t upstream) const {
  struct Sum {
    relay::Upstream::Address address;
    int votes = 0;  ///< Not below 0: well.
  };
  std::map<std::string, Sum> sums;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& worker : seen_) {
      if (worker.size() <= upstream) continue;
      for (const auto& seen : worker[upstream]) {
        Sum& sum = sums[seen.name];
        sum.address.connections += seen.connections;
        sum.address.calls += seen.calls;
        sum.votes += seen.is_well ? 1 : -1;
      }
    }
  }
  Addresses all;
  for (auto& [name, sum] : sums) {
    sum.address.name = name;
    sum.address.is_well = sum.votes >= 0;
    all.push_back(std::move(sum.address));
  }
  return all;
}

}  // namespace sluice::server
