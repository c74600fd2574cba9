#include "gateway/hub/rules.h"

#include <utility>

namespace sluice::hub {

Rules::Rules(std::vector<TopicRule> rules) {
  rules_.reserve(rules.size());
  for (TopicRule& rule : rules) {
    has_policies_ |= rule.policy != Policy::replay;
    has_retention_ |= rule.has_retention();
    Selector match(rule.match);
    rules_.push_back({std::move(match), std::move(rule)});
  }
}

const TopicRule* Rules::find(const std::string& topic) const {
  const Topic name(topic);
  for (const Compiled& compiled : rules_) {
    if (compiled.match.matches(name)) return &compiled.rule;
  }
  return nullptr;
}

Policy Rules::policy(const std::string& topic) const {
  const TopicRule* rule = find(topic);
  return rule == nullptr ? Policy::replay : rule->policy;
}

}  // namespace sluice::hub
