/// Health: whether Redis can be worked with, and since when not; for the log and for /readyz.
///
/// Owner   RedisJournal. Thread  set(), breaks(): its thread; trouble(): any.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/redis/counters.h"

namespace sluice::redis {

class Health {
 public:
  enum Part : std::size_t { tail, publisher, past, roster };
  static constexpr std::size_t kParts = 4;

  /// `where` is how the log calls the server.
  Health(std::string where, const Clock& clock, Counters& counters);

  /// "": that link is up.
  void set(Part part, std::string_view trouble);
  /// What was followed cannot go on.
  void breaks(std::string_view why);
  /// Empty: all is well.
  [[nodiscard]] std::string trouble() const;

 private:
  void tell(std::string_view why);

  // Set in the constructor.
  const std::string where_;
  const Clock& clock_;
  Counters& counters_;
  // Its thread only.
  std::array<bool, kParts> is_up_{};
  std::size_t up_ = 0;
  bool was_well_ = false;
  TimePoint away_since_;
  TimePoint next_word_{};
  std::string said_;       ///< The last reason that was logged …
  TimePoint news_from_{};  ///< … and when another one may be.
  // Any thread, under mutex_.
  mutable std::mutex mutex_;
  std::string trouble_ = "Redis was not reached yet";
  bool is_broken_ = false;
};

}  // namespace sluice::redis
