/// Repeats: which `once` was seen lately, and the id that its event got.
///
/// A publisher that got no answer asks again; with the same Draft::once it gets the first event's
/// id, and the event is not appended a second time. What is kept of a `once` is a hash of 128 bits
/// with a secret seed: two that differ are never taken for one.
///
/// Owner      a journal. Thread  one at a time; its journal sees to that.
/// Invariant  in the order in which they were remembered; after expire() both bounds hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/base/clock.h"
#include "gateway/base/units.h"

namespace sluice::journal {

struct RepeatOptions {
  Millis window{10 * 60 * 1000};  ///< For so long a `once` is remembered …
  std::size_t keys = 100'000;     ///< … and no more than so many; 0: no repeats are looked for.
};

class Repeats {
 public:
  struct Key {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  Repeats(RepeatOptions options, std::uint64_t seed) : options_(options), seed_(seed) {}

  [[nodiscard]] Key key_of(std::string_view once) const;
  /// The id that the first one got, good until the next change; null: it is new.
  [[nodiscard]] const std::string* find(const Key& key) const;
  /// `key` is new; `time` is not before that of the one before.
  void remember(const Key& key, const std::string& id, WallTime time);
  /// Takes back the newest `n`: what they stood for was not appended.
  void forget_newest(std::size_t n);
  /// Drops what is too old or too many.
  void expire(WallTime now);
  [[nodiscard]] std::size_t size() const { return order_.size(); }

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.low; }
  };
  struct Place {
    Key key;
    WallTime time;
  };

  RepeatOptions options_;
  std::uint64_t seed_;
  std::unordered_map<Key, std::string, KeyHash> ids_;
  std::deque<Place> order_;
};

}  // namespace sluice::journal
