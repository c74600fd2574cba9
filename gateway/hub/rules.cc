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

namespace {

bool may_overlap(const Selector& rule, const Selector& wanted) {
  if (wanted.kind() == Selector::Kind::exact) return rule.matches(wanted.text());
  if (rule.kind() == Selector::Kind::exact) return wanted.matches(rule.text());
  const std::string_view ours = rule.fixed_beginning();
  const std::string_view theirs = wanted.fixed_beginning();
  return ours.starts_with(theirs) || theirs.starts_with(ours);
}

}  // namespace

bool Rules::may_remove_from(const std::vector<Selector>& wanted) const {
  if (!has_retention_) return false;
  for (const Compiled& compiled : rules_) {
    // Who wants the newest state only has missed nothing.
    if (!compiled.rule.has_retention() || compiled.rule.policy == Policy::latest) continue;
    for (const Selector& selector : wanted) {
      if (may_overlap(compiled.match, selector)) return true;
    }
  }
  return false;
}

Policy Rules::policy(const std::string& topic) const {
  const TopicRule* rule = find(topic);
  return rule == nullptr ? Policy::replay : rule->policy;
}

}  // namespace sluice::hub
