/// TokenCache: what tokens that were verified grant, so that a client that comes back does not cost
/// another signature (up to 0.8 ms each).
///
/// Only tokens that were good are kept, by the SHA-256 of their whole text; the caller looks at
/// their times again on each use. The least recently used goes first, by number and by memory.
/// Owner   its Verifier. Thread  any: sixteen parts, each with a mutex that is held for a look-up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/auth/grants.h"
#include "gateway/base/clock.h"
#include "gateway/base/counters.h"

namespace sluice::auth {

struct VerifiedToken {
  Grants grants;
  std::optional<WallTime> not_before;  ///< `nbf` less the leeway.
};
using VerifiedTokenPtr = std::shared_ptr<const VerifiedToken>;

class TokenCache {
 public:
  /// SHA-256 of a token.
  using Digest = std::array<unsigned char, 32>;

  /// `entries` in all; 0: nothing is kept.
  explicit TokenCache(std::size_t entries);

  [[nodiscard]] static Digest digest_of(std::string_view token);
  [[nodiscard]] bool is_on() const { return shard_entries_ > 0; }
  /// nullptr: not kept, or verified by the keys of another generation.
  VerifiedTokenPtr find(const Digest& digest, std::uint64_t generation);
  /// `generation` is that of the keys that verified it.
  void insert(const Digest& digest, std::uint64_t generation, VerifiedTokenPtr token);
  void erase(const Digest& digest);

  [[nodiscard]] std::uint64_t hits() const;
  [[nodiscard]] std::uint64_t misses() const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    Digest digest;
    VerifiedTokenPtr token;
    std::size_t bytes;
  };
  struct Hash {
    std::size_t operator()(const Digest& digest) const;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::uint64_t generation = 0;
    std::size_t bytes = 0;
    std::list<Entry> entries;  ///< The most recently used first.
    std::unordered_map<Digest, std::list<Entry>::iterator, Hash> index;
    Counter hits;  ///< Written with the mutex held.
    Counter misses;

    void remove(std::list<Entry>::iterator entry);
    /// False: `generation_now` is over already. Forgets what older keys verified.
    bool enter(std::uint64_t generation_now);
  };
  static constexpr std::size_t kShards = 16;

  Shard& shard_of(const Digest& digest) { return shards_[digest[0] % kShards]; }

  const std::size_t shard_entries_;
  std::array<Shard, kShards> shards_;
};

}  // namespace sluice::auth
