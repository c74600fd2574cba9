#include "gateway/auth/token_cache.h"

#include <cstring>
#include <utility>

#include "gateway/auth/handles.h"
#include "gateway/base/assert.h"
#include "gateway/base/units.h"

namespace sluice::auth {
namespace {

constexpr std::size_t kShardBytes = 4_MiB;

std::size_t bytes_of_grants(const std::vector<Grant>& grants) {
  std::size_t bytes = grants.capacity() * sizeof(Grant);
  for (const Grant& grant : grants) bytes += grant.match.size() + grant.payload.size();
  return bytes;
}

/// About what an entry takes.
std::size_t bytes_of_token(const VerifiedToken& token) {
  const Grants& grants = token.grants;
  constexpr std::size_t kFixed = 256 + sizeof(VerifiedToken);
  return kFixed + grants.payload.size() + grants.subject.size() + grants.token_id.size() +
         bytes_of_grants(grants.publish) + bytes_of_grants(grants.subscribe);
}

}  // namespace

TokenCache::TokenCache(std::size_t entries) : shard_entries_((entries + kShards - 1) / kShards) {}

TokenCache::Digest TokenCache::digest_of(std::string_view token) {
  Digest digest;
  std::size_t size = 0;
  const bool is_made = EVP_Q_digest(nullptr, "SHA256", nullptr, token.data(), token.size(),
                                    digest.data(), &size) == 1;
  SLUICE_ASSERT(is_made && size == digest.size(), "OpenSSL has no SHA-256");
  return digest;
}

/// SHA-256 is uniform already.
std::size_t TokenCache::Hash::operator()(const Digest& digest) const {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data() + 8, sizeof hash);
  return hash;
}

void TokenCache::Shard::remove(std::list<Entry>::iterator entry) {
  bytes -= entry->bytes;
  index.erase(entry->digest);
  entries.erase(entry);
}

bool TokenCache::Shard::enter(std::uint64_t generation_now) {
  if (generation_now < generation) return false;
  if (generation_now == generation) return true;
  index.clear();
  entries.clear();
  bytes = 0;
  generation = generation_now;
  return true;
}

VerifiedTokenPtr TokenCache::find(const Digest& digest, std::uint64_t generation) {
  if (!is_on()) return nullptr;
  Shard& shard = shard_of(digest);
  const std::scoped_lock lock(shard.mutex);
  const auto at = shard.enter(generation) ? shard.index.find(digest) : shard.index.end();
  if (at == shard.index.end()) {
    shard.misses.add();
    return nullptr;
  }
  shard.hits.add();
  shard.entries.splice(shard.entries.begin(), shard.entries, at->second);
  return at->second->token;
}

void TokenCache::insert(const Digest& digest, std::uint64_t generation, VerifiedTokenPtr token) {
  if (!is_on()) return;
  const std::size_t bytes = bytes_of_token(*token);
  if (bytes > kShardBytes) return;
  Shard& shard = shard_of(digest);
  const std::scoped_lock lock(shard.mutex);
  if (!shard.enter(generation) || shard.index.contains(digest)) return;
  shard.entries.push_front({digest, std::move(token), bytes});
  shard.index.emplace(digest, shard.entries.begin());
  shard.bytes += bytes;
  while (shard.entries.size() > shard_entries_ || shard.bytes > kShardBytes) {
    shard.remove(std::prev(shard.entries.end()));
  }
}

void TokenCache::erase(const Digest& digest) {
  Shard& shard = shard_of(digest);
  const std::scoped_lock lock(shard.mutex);
  if (const auto at = shard.index.find(digest); at != shard.index.end()) shard.remove(at->second);
}

std::uint64_t TokenCache::hits() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.hits.value();
  return sum;
}

std::uint64_t TokenCache::misses() const {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) sum += shard.misses.value();
  return sum;
}

std::size_t TokenCache::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    sum += shard.entries.size();
  }
  return sum;
}

}  // namespace sluice::auth
