#include "gateway/hub/interest.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::hub {
namespace {

std::vector<Selector> compiled(std::vector<std::string> texts) {
  std::vector<Selector> selectors;
  selectors.reserve(texts.size());
  for (std::string& text : texts) selectors.emplace_back(std::move(text));
  return selectors;
}

std::vector<Selector> distinct(std::vector<Selector> selectors) {
  const auto what = [](const Selector& selector) {
    return std::pair<SelectorType, const std::string&>(selector.type(), selector.text());
  };
  std::sort(selectors.begin(), selectors.end(),
            [&](const Selector& a, const Selector& b) { return what(a) < what(b); });
  const auto end =
      std::unique(selectors.begin(), selectors.end(),
                  [&](const Selector& a, const Selector& b) { return what(a) == what(b); });
  selectors.erase(end, selectors.end());
  return selectors;
}

void append(std::string& key, const std::vector<Selector>& selectors) {
  // Lengths make the form unambiguous, whatever bytes a selector holds.
  fmt::format_to(std::back_inserter(key), "{};", selectors.size());
  for (const Selector& selector : selectors) {
    fmt::format_to(std::back_inserter(key), "{}{}:{}", static_cast<char>(selector.type()),
                   selector.text().size(), selector.text());
  }
}

}  // namespace

Interest Interest::of(std::vector<std::string> topics, std::vector<std::string> grants) {
  return of_selectors(compiled(std::move(topics)), compiled(std::move(grants)));
}

Interest Interest::of_selectors(std::vector<Selector> topics, std::vector<Selector> grants) {
  return {distinct(std::move(topics)), distinct(std::move(grants))};
}

std::string Interest::key() const {
  std::string key;
  append(key, topics);
  append(key, grants);
  if (max_rate > 0) fmt::format_to(std::back_inserter(key), "@{}", max_rate);
  return key;
}

bool Interest::is_exact() const {
  return std::all_of(topics.begin(), topics.end(), [](const Selector& selector) {
    return selector.kind() == Selector::Kind::exact;
  });
}

}  // namespace sluice::hub
