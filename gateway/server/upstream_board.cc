#include "gateway/server/upstream_board.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sluice::server {

namespace {

void add(const UpstreamBoard::Address& seen, UpstreamBoard::Address& sum) {
  sum.name = seen.name;
  sum.connections += seen.connections;
  sum.calls += seen.calls;
  sum.rests_until = std::max(sum.rests_until, seen.rests_until);
  relay::Health& health = sum.health;
  health.failures = std::max(health.failures, seen.health.failures);
  health.answered_at = std::max(health.answered_at, seen.health.answered_at);
  if (seen.health.error.empty() || seen.health.failed_at < health.failed_at) return;
  health.failed_at = seen.health.failed_at;
  health.error = seen.health.error;
}

}  // namespace

void UpstreamBoard::put(std::size_t worker, std::size_t upstream, Addresses addresses) {
  const std::lock_guard lock(mutex_);
  if (seen_.size() <= worker) seen_.resize(worker + 1);
  if (seen_[worker].size() <= upstream) seen_[worker].resize(upstream + 1);
  seen_[worker][upstream] = std::move(addresses);
}

UpstreamBoard::Addresses UpstreamBoard::of(std::size_t upstream) const {
  std::map<std::string, Address> sums;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& worker : seen_) {
      if (worker.size() <= upstream) continue;
      for (const Address& seen : worker[upstream]) add(seen, sums[seen.name]);
    }
  }
  Addresses all;
  for (auto& [name, sum] : sums) all.push_back(std::move(sum));
  return all;
}

UpstreamBoard::State UpstreamBoard::state_of(const Address& address, TimePoint now) {
  const relay::Health& health = address.health;
  if (health.error.empty() || health.answered_at > health.failed_at) return State::well;
  return now < address.rests_until ? State::resting : State::failing;
}

}  // namespace sluice::server
