/// Topic: one topic of an event, while selectors are asked about it. What it is as a URL is parsed
/// once, and only if somebody asks.
///
/// Thread  one; a match is over before the event goes. The text must outlive it.
#pragma once

#include <memory>
#include <string>

#include "gateway/hub/url.h"

namespace sluice::hub {

class Topic {
 public:
  explicit Topic(const std::string& text) : text_(text) {}

  [[nodiscard]] const std::string& text() const { return text_; }
  /// None when it is no URL. Good until it is asked for against another base.
  [[nodiscard]] const Url* resolved(const Url* base) const;

 private:
  const std::string& text_;
  mutable bool is_parsed_ = false;
  mutable const Url* base_ = nullptr;  ///< What it was parsed against.
  mutable std::unique_ptr<const Url> url_;
};

}  // namespace sluice::hub
