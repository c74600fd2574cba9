#include "gateway/hub/selector.h"

#include <algorithm>
#include <utility>

namespace sluice::hub {

Selector::Selector(std::string text)
    : text_(std::move(text)),
      pattern_(UriTemplate::parse(text_)),
      kind_(text_ == "*" ? Kind::any
            : pattern_   ? Kind::pattern
                         : Kind::exact) {}

bool Selector::matches(std::string_view topic) const {
  return kind_ == Kind::any || topic == text_ || (pattern_ && pattern_->matches(topic));
}

namespace {
bool one_matches(const std::vector<Selector>& selectors, std::string_view topic) {
  return std::any_of(selectors.begin(), selectors.end(),
                     [&](const Selector& selector) { return selector.matches(topic); });
}
}  // namespace

bool matches_any(const std::vector<Selector>& selectors, const std::vector<std::string>& topics) {
  return std::any_of(topics.begin(), topics.end(),
                     [&](const std::string& topic) { return one_matches(selectors, topic); });
}

bool matches_all(const std::vector<Selector>& selectors, const std::vector<std::string>& topics) {
  return std::all_of(topics.begin(), topics.end(),
                     [&](const std::string& topic) { return one_matches(selectors, topic); });
}

}  // namespace sluice::hub
