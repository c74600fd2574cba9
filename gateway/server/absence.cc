#include "gateway/server/absence.h"

#include <utility>

#include "gateway/base/log.h"

namespace sluice::server {

Absence::Absence(net::Loop& loop, Millis limit, std::function<std::string()> trouble,
                 std::function<void()> leave)
    : loop_(loop),
      limit_(limit),
      trouble_(std::move(trouble)),
      leave_(std::move(leave)),
      timer_(loop, [this] { look(); }) {}

void Absence::start() {
  if (limit_ > Millis(0)) timer_.start_periodic(kLook);
}

void Absence::look() {
  const std::string trouble = trouble_();
  if (trouble.empty()) {
    since_.reset();
    has_left_ = false;
    return;
  }
  if (!since_) since_ = loop_.now();
  if (has_left_ || loop_.now() - *since_ < limit_) return;
  has_left_ = true;
  log::warning(
      "{}, for longer than history.away_limit ({}): streams are ended one by one, and come back by "
      "way of the balancer",
      trouble, format_duration(limit_));
  leave_();
}

}  // namespace sluice::server
