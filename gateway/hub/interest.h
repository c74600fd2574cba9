/// Interest: what one subscription is to be given, in the form that makes equal wishes equal.
#pragma once

#include <string>
#include <vector>

#include "gateway/hub/selector.h"
#include "gateway/sse/event.h"

namespace sluice::hub {

struct Interest {
  std::vector<Selector>
      topics;  ///< An event is wanted when one of these matches one of its topics.
  std::vector<Selector> grants;  ///< A private one must also match one of these.
  std::size_t max_rate = 0;      ///< Events per second; 0: as they come.

  /// Selectors sorted and without repetition.
  static Interest of(std::vector<std::string> topics, std::vector<std::string> grants);
  /// The same from selectors of any type; all of one hub have one base.
  static Interest of_selectors(std::vector<Selector> topics, std::vector<Selector> grants);

  /// Equal for equal interests, and only for those.
  [[nodiscard]] std::string key() const;
  [[nodiscard]] bool may_see(const sse::Event& event) const {
    return !event.is_private || matches_any(grants, event.topics);
  }
  [[nodiscard]] bool wants(const sse::Event& event) const {
    return may_see(event) && matches_any(topics, event.topics);
  }
  /// Every selector names one topic, so that the window's index finds its events.
  [[nodiscard]] bool is_exact() const;
};

}  // namespace sluice::hub
