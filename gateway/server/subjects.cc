#include "gateway/server/subjects.h"

namespace sluice::server {

std::optional<Subjects::Lease> Subjects::open_stream(const std::string& subject) {
  if (subject.empty()) return Lease();
  const std::lock_guard lock(mutex_);
  std::size_t& count = streams_[subject];
  if (options_.streams > 0 && count >= options_.streams) return std::nullopt;
  ++count;
  return Lease(*this, subject);
}

std::size_t Subjects::streams_of(const std::string& subject) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(subject);
  return found == streams_.end() ? 0 : found->second;
}

void Subjects::release(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(subject);
  if (found != streams_.end() && --found->second == 0) streams_.erase(found);
}

bool Subjects::revoke(const std::string& subject, WallTime at) {
  const std::lock_guard lock(mutex_);
  const auto [known, is_new] = revoked_.try_emplace(subject, at);
  if (!is_new && known->second >= at) return false;
  known->second = at;
  order_.emplace_back(at, subject);
  while (order_.size() > options_.revocations || order_.front().first + options_.remember <= at) {
    const auto& [time, oldest] = order_.front();
    const auto found = revoked_.find(oldest);
    if (found != revoked_.end() && found->second == time) revoked_.erase(found);
    order_.pop_front();
  }
  return true;
}

std::vector<std::pair<std::string, WallTime>> Subjects::revocations() const {
  const std::lock_guard lock(mutex_);
  return {revoked_.begin(), revoked_.end()};
}

bool Subjects::is_revoked(const std::string& subject, std::optional<WallTime> issued,
                          WallTime now) const {
  if (subject.empty()) return false;
  const std::lock_guard lock(mutex_);
  const auto found = revoked_.find(subject);
  if (found == revoked_.end() || found->second + options_.remember <= now) return false;
  constexpr std::chrono::seconds kSkew{30};
  if (!issued || *issued > now + kSkew) return true;
  // `iat` counts whole seconds: a token made in the second of the revocation is a new one.
  return *issued + std::chrono::seconds(1) <= found->second;
}

}  // namespace sluice::server
