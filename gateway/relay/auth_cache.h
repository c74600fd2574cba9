/// AuthCache: answers of call-outs that hold for a while, by all that they were asked with.
///
/// Owner   its worker's; one for each route. Thread  its worker's.
/// Limits  by number and by memory; the least recently used goes first.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"
#include "gateway/relay/auth_answer.h"

namespace sluice::relay {

class AuthCache {
 public:
  static constexpr std::size_t kMaxBytes = 16_MiB;

  /// `entries` 0: nothing is kept.
  explicit AuthCache(std::size_t entries) : entries_(entries) {}

  /// nullptr: not kept, or too old. Good until the next call.
  const AuthAnswer* find(const std::string& key, TimePoint now);
  /// `key`: a digest of the question. Kept for as long as the answer says.
  void insert(const std::string& key, const AuthAnswer& answer, TimePoint now);
  [[nodiscard]] std::size_t size() const { return index_.size(); }

 private:
  struct Entry {
    std::string key;
    AuthAnswer answer;
    TimePoint ends;
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;

  void remove(Entries::iterator entry);

  const std::size_t entries_;
  std::size_t bytes_ = 0;
  Entries used_;  ///< The most recently used first.
  std::unordered_map<std::string_view, Entries::iterator> index_;
};

}  // namespace sluice::relay
