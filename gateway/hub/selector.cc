#include "gateway/hub/selector.h"

#include <algorithm>
#include <utility>

namespace sluice::hub {

Selector::Selector(std::string text) : Selector(SelectorType::selector, std::move(text)) {
  if (kind_ == Kind::any) return;
  template_ = UriTemplate::parse(text_);
  if (template_) kind_ = Kind::pattern;
}

Selector::Selector(SelectorType type, std::string text)
    : type_(type), text_(std::move(text)), kind_(text_ == "*" ? Kind::any : Kind::exact) {}

Result<Selector> Selector::make(SelectorType type, std::string text, const Url* base) {
  if (type == SelectorType::selector) return Selector(std::move(text));
  Selector made(type, std::move(text));
  if (type == SelectorType::exact || made.kind_ == Kind::any) return made;
  auto pattern = UrlPattern::parse(made.text_, base);
  if (!pattern) return tl::unexpected<Error>(pattern.error());
  made.pattern_ = std::make_shared<const UrlPattern>(std::move(*pattern));
  made.base_ = base;
  made.kind_ = Kind::pattern;
  return made;
}

bool Selector::matches(const Topic& topic) const {
  if (kind_ == Kind::any) return true;
  if (pattern_) {
    const Url* url = topic.resolved(base_);
    return url != nullptr && pattern_->matches(*url);
  }
  return topic.text() == text_ || (template_ && template_->matches(topic.text()));
}

std::size_t Selector::weight() const {
  // Measured: an ordinary template costs one, one of 224 steps with all of them alive a hundred.
  constexpr std::size_t kStepsOfOne = 2;
  return template_ ? std::max<std::size_t>(1, template_->steps() / kStepsOfOne) : 1;
}

namespace {
bool one_matches(const std::vector<Selector>& selectors, const std::string& text) {
  const Topic topic(text);
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
