/// Selector: what a subscriber wants, or a token allows.
///
/// `*` matches every topic, whatever the type. Otherwise the type says how the text is read.
/// Thread  immutable; any.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/hub/topic.h"
#include "gateway/hub/uri_template.h"
#include "gateway/hub/url_pattern.h"

namespace sluice::hub {

enum class SelectorType : char {
  selector = 's',    ///< Mercure 0.x: a URI Template matches the topics it expands to, and itself;
                     ///< anything else matches the topic of exactly these bytes.
  exact = 'e',       ///< Matches the topic of exactly these bytes.
  urlpattern = 'u',  ///< Matches the topics that are URLs of this pattern.
};

class Selector {
 public:
  enum class Kind { exact, any, pattern };

  /// Of the type `selector`.
  explicit Selector(std::string text);
  /// `base`, which must outlive the selector, is what relative patterns and topics are relative to.
  /// Errc::invalid for what is no URL pattern.
  static Result<Selector> make(SelectorType type, std::string text, const Url* base);

  [[nodiscard]] bool matches(const Topic& topic) const;
  [[nodiscard]] bool matches(const std::string& topic) const { return matches(Topic(topic)); }
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] SelectorType type() const { return type_; }
  [[nodiscard]] const std::string& text() const { return text_; }
  /// What it costs to hold a topic against it, in looks at an exact name.
  [[nodiscard]] std::size_t weight() const;
  /// What every topic that is matched begins with, as far as that is known; may be empty.
  [[nodiscard]] std::string_view fixed_beginning() const {
    return template_              ? template_->prefix()
           : kind_ == Kind::exact ? std::string_view(text_)
                                  : std::string_view();
  }
  /// The topic of the very same bytes is matched.
  [[nodiscard]] bool matches_itself() const { return type_ != SelectorType::urlpattern; }
  /// Equal for equal type and text, and only for those.
  [[nodiscard]] std::string key() const { return static_cast<char>(type_) + text_; }

 private:
  Selector(SelectorType type, std::string text);

  SelectorType type_;
  std::string text_;
  std::optional<UriTemplate> template_;
  std::shared_ptr<const UrlPattern> pattern_;
  const Url* base_ = nullptr;
  Kind kind_;
};

/// True when one selector matches one of the topics.
bool matches_any(const std::vector<Selector>& selectors, const std::vector<std::string>& topics);

/// True when each topic is matched by a selector: what a publisher's grant must do.
bool matches_all(const std::vector<Selector>& selectors, const std::vector<std::string>& topics);

}  // namespace sluice::hub
