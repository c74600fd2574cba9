#include "gateway/relay/auth_cache.h"

#include <iterator>

namespace sluice::relay {
namespace {

/// About what an entry takes.
std::size_t bytes_of(const std::string& key, const AuthAnswer& answer) {
  constexpr std::size_t kFixed = 300;
  std::size_t bytes = kFixed + key.size() + answer.body.size();
  for (const http::Field& field : answer.fields) {
    bytes += sizeof field + field.name.size() + field.value.size();
  }
  return bytes;
}

}  // namespace

void AuthCache::remove(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  index_.erase(entry->key);
  used_.erase(entry);
}

const AuthAnswer* AuthCache::find(const std::string& key, TimePoint now) {
  const auto at = index_.find(key);
  if (at == index_.end()) return nullptr;
  if (now >= at->second->ends) {
    remove(at->second);
    return nullptr;
  }
  used_.splice(used_.begin(), used_, at->second);
  return &at->second->answer;
}

void AuthCache::insert(const std::string& key, const AuthAnswer& answer, TimePoint now) {
  if (const auto at = index_.find(key); at != index_.end()) remove(at->second);
  const std::size_t bytes = bytes_of(key, answer);
  if (entries_ == 0 || answer.max_age <= Millis(0) || bytes > kMaxBytes / 16) return;
  used_.push_front({.key = key, .answer = answer, .ends = now + answer.max_age, .bytes = bytes});
  index_.emplace(used_.front().key, used_.begin());
  bytes_ += bytes;
  while (used_.size() > entries_ || bytes_ > kMaxBytes) remove(std::prev(used_.end()));
}

}  // namespace sluice::relay
