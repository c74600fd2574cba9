/// Rules: what the operator has decided for topics by name: what slow readers get, how often, and
/// how long history keeps them.
///
/// Owner   the hub; the server has one for the journal. Thread  immutable; any.
#pragma once

#include <string>
#include <vector>

#include "gateway/hub/options.h"
#include "gateway/hub/selector.h"

namespace sluice::hub {

class Rules {
 public:
  explicit Rules(std::vector<TopicRule> rules);

  /// The first whose `match` takes the topic, or a selector of the same text; null: none does.
  [[nodiscard]] const TopicRule* find(const std::string& topic) const;
  [[nodiscard]] Policy policy(const std::string& topic) const;
  /// Calls `visit(rule)` for each; it stays where it is.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Compiled& compiled : rules_) visit(compiled.rule);
  }
  /// False when no rule that bounds history can be about a topic that `wanted` takes. What cannot
  /// be told apart by its fixed beginning counts as the same.
  [[nodiscard]] bool may_remove_from(const std::vector<Selector>& wanted) const;
  /// Some rule has a policy other than `replay`.
  [[nodiscard]] bool has_policies() const { return has_policies_; }
  /// Some rule bounds history.
  [[nodiscard]] bool has_retention() const { return has_retention_; }

 private:
  struct Compiled {
    Selector match;
    TopicRule rule;
  };
  std::vector<Compiled> rules_;
  bool has_policies_ = false;
  bool has_retention_ = false;
};

}  // namespace sluice::hub
