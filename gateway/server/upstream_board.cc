#include "gateway/server/upstream_board.h"

#include <algorithm>
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

/// It failed, and has not answered since.
bool is_down(const UpstreamBoard::Address& address) {
  const relay::Health& health = address.health;
  return !health.error.empty() && health.answered_at <= health.failed_at;
}

}  // namespace

void UpstreamBoard::put(std::size_t worker, std::size_t upstream, Addresses addresses,
                        TimePoint now, const Tell& tell) {
  const std::lock_guard lock(mutex_);
  if (seen_.size() <= worker) seen_.resize(worker + 1);
  if (seen_[worker].size() <= upstream) seen_[worker].resize(upstream + 1);
  seen_[worker][upstream] = std::move(addresses);
  if (down_.size() <= upstream) down_.resize(upstream + 1);
  std::set<std::string>& before = down_[upstream];
  std::set<std::string> after;
  for (auto& [name, sum] : sums_of(upstream)) {
    const bool was_down = before.contains(name);
    const bool is_still = was_down && now < sum.rests_until;
    if (is_down(sum) || is_still) after.insert(name);
    if (was_down != after.contains(name)) tell({std::move(sum), was_down});
  }
  before = std::move(after);
}

std::map<std::string, UpstreamBoard::Address> UpstreamBoard::sums_of(std::size_t upstream) const {
  std::map<std::string, Address> sums;
  for (const auto& worker : seen_) {
    if (worker.size() <= upstream) continue;
    for (const Address& seen : worker[upstream]) add(seen, sums[seen.name]);
  }
  return sums;
}

UpstreamBoard::Addresses UpstreamBoard::of(std::size_t upstream) const {
  std::map<std::string, Address> sums;
  {
    const std::lock_guard lock(mutex_);
    sums = sums_of(upstream);
  }
  Addresses all;
  for (auto& [name, sum] : sums) all.push_back(std::move(sum));
  return all;
}

UpstreamBoard::State UpstreamBoard::state_of(const Address& address, TimePoint now) {
  if (!is_down(address)) return State::well;
  return now < address.rests_until ? State::resting : State::failing;
}

}  // namespace sluice::server
