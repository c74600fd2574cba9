/// Selector: what a subscriber wants, or a token allows (Mercure 0.x, "topic selectors").
///
/// `*` matches every topic; a URI Template matches the topics it expands to, and itself; anything
/// else matches the topic of exactly these bytes.
/// Thread  immutable; any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hub/uri_template.h"

namespace sluice::hub {

class Selector {
 public:
  enum class Kind { exact, any, pattern };

  explicit Selector(std::string text);

  [[nodiscard]] bool matches(std::string_view topic) const;
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::optional<UriTemplate> pattern_;
  Kind kind_;
};

/// True when one selector matches one of the topics.
bool matches_any(const std::vector<Selector>& selectors, const std::vector<std::string>& topics);

/// True when each topic is matched by a selector: what a publisher's grant must do.
bool matches_all(const std::vector<Selector>& selectors, const std::vector<std::string>& topics);

}  // namespace sluice::hub
