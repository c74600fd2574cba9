/// KeyRing: the keys that verify tokens now. Those of a source that changes are replaced together.
///
/// Owner   its Verifier. Thread  any, but for what is said to come before the threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/auth/key.h"

namespace sluice::auth {

class KeyRing {
 public:
  struct Snapshot {
    std::vector<Key> keys;
    std::uint64_t generation = 0;  ///< Rises with every change.
  };
  using SnapshotPtr = std::shared_ptr<const Snapshot>;
  using Source = std::size_t;
  static constexpr Source kFixed = 0;  ///< Of the keys that the configuration gives.

  explicit KeyRing(std::vector<Key> fixed);

  /// A further source, without keys yet. Before the threads start.
  Source add_source();
  /// Puts `keys` in the place of all that the source had.
  void replace(Source source, std::vector<Key> keys);
  [[nodiscard]] SnapshotPtr snapshot() const;

  /// `hook` is called, on the thread of the request, for each token that names a key that is not
  /// here; it returns at once. Before the threads start.
  void on_unknown_key(std::function<void()> hook);
  void report_unknown_key() const;

 private:
  // Set before the threads start.
  std::function<void()> unknown_key_;
  // Guarded by mutex_.
  mutable std::mutex mutex_;
  std::vector<std::vector<Key>> sources_;  ///< The first is kFixed.
  SnapshotPtr snapshot_;
};

}  // namespace sluice::auth
