#include "gateway/journal/repeats.h"

#include <xxhash.h>

namespace sluice::journal {

Repeats::Key Repeats::key_of(std::string_view once) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(once.data(), once.size(), seed_);
  return {.low = hash.low64, .high = hash.high64};
}

const std::string* Repeats::find(const Key& key) const {
  const auto found = ids_.find(key);
  return found == ids_.end() ? nullptr : &found->second;
}

void Repeats::remember(const Key& key, const std::string& id, WallTime time) {
  if (ids_.try_emplace(key, id).second) order_.push_back({key, time});
}

void Repeats::forget_newest(std::size_t n) {
  for (; n > 0 && !order_.empty(); --n) {
    ids_.erase(order_.back().key);
    order_.pop_back();
  }
}

void Repeats::expire(WallTime now) {
  const WallTime oldest = now - options_.window;
  while (!order_.empty() && (order_.size() > options_.keys || order_.front().time <= oldest)) {
    ids_.erase(order_.front().key);
    order_.pop_front();
  }
}

}  // namespace sluice::journal
