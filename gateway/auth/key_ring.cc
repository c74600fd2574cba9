#include "gateway/auth/key_ring.h"

#include <utility>

#include "gateway/base/assert.h"

namespace sluice::auth {

KeyRing::KeyRing(std::vector<Key> fixed)
    : sources_{fixed}, snapshot_(std::make_shared<const Snapshot>(Snapshot{std::move(fixed), 0})) {}

KeyRing::Source KeyRing::add_source() {
  const std::scoped_lock lock(mutex_);
  sources_.emplace_back();
  return sources_.size() - 1;
}

void KeyRing::replace(Source source, std::vector<Key> keys) {
  const std::scoped_lock lock(mutex_);
  SLUICE_ASSERT(source < sources_.size(), "keys for a source that was not added");
  sources_[source] = std::move(keys);
  Snapshot next{.keys = {}, .generation = snapshot_->generation + 1};
  for (const auto& each : sources_) next.keys.insert(next.keys.end(), each.begin(), each.end());
  snapshot_ = std::make_shared<const Snapshot>(std::move(next));
}

KeyRing::SnapshotPtr KeyRing::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

void KeyRing::on_unknown_key(std::function<void()> hook) {
  unknown_key_ = std::move(hook);
}

void KeyRing::report_unknown_key() const {
  if (unknown_key_) unknown_key_();
}

}  // namespace sluice::auth
