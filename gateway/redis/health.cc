#include "gateway/redis/health.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/log.h"
#include "gateway/base/units.h"

namespace sluice::redis {
namespace {
constexpr std::chrono::seconds kSilence{30};  // Between two lines that say the same …
constexpr std::chrono::seconds kNews{5};      // … and two that do not.
}  // namespace

Health::Health(std::string where, const Clock& clock, Counters& counters)
    : where_(std::move(where)), clock_(clock), counters_(counters), away_since_(clock.now()) {}

void Health::set(Part part, std::string_view trouble) {
  const bool is_up = trouble.empty();
  (is_up ? counters_.connects : counters_.losses).add();
  const bool was_up = std::exchange(is_up_[part], is_up);
  if (was_up != is_up) up_ += is_up ? 1 : static_cast<std::size_t>(-1);
  counters_.links.set(static_cast<std::int64_t>(up_));
  if (!is_up) return tell(trouble);
  if (up_ < kParts) return;
  {
    const std::lock_guard lock(mutex_);
    if (!is_broken_) trouble_.clear();
  }
  if (std::exchange(was_well_, true) && next_word_ != TimePoint()) {
    const auto away = std::chrono::duration_cast<Millis>(clock_.now() - away_since_);
    log::info("Redis at {} is back after {}; what came meanwhile follows now", where_,
              format_duration(away));
  }
  next_word_ = {};
}

void Health::tell(std::string_view why) {
  const TimePoint now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    if (!is_broken_) trouble_ = fmt::format("Redis at {} is away: {}", where_, why);
  }
  const bool is_news = why != said_ && now >= news_from_;
  if (now < next_word_ && !is_news) return;
  if (next_word_ == TimePoint()) away_since_ = now;
  next_word_ = now + kSilence;
  news_from_ = now + kNews;
  said_ = why;
  log::warning(
      "Redis at {} is away: {}. Subscribers stay connected and get what comes when it is back; "
      "publishers are told to try again",
      where_, why);
}

void Health::breaks(std::string_view why) {
  const std::lock_guard lock(mutex_);
  is_broken_ = true;
  trouble_ = fmt::format("the history at {} cannot go on: {}", where_, why);
  log::error(
      "the history in Redis at {} cannot go on as it was: {}. This process is replaced by a new "
      "one; clients that come back are told of the gap",
      where_, why);
}

std::string Health::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace sluice::redis
