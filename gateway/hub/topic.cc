#include "gateway/hub/topic.h"

#include <utility>

namespace sluice::hub {

const Url* Topic::resolved(const Url* base) const {
  if (!is_parsed_ || base != base_) {
    auto parsed = Url::parse(text_, base);
    url_ = parsed ? std::make_unique<const Url>(std::move(*parsed)) : nullptr;
    base_ = base;
    is_parsed_ = true;
  }
  return url_.get();
}

}  // namespace sluice::hub
