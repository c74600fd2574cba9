#include "gateway/server/selectors.h"

#include <utility>

#include "gateway/sse/encoder.h"

namespace sluice::server {
namespace {

hub::SelectorType to_type(auth::MatchType type) {
  switch (type) {
    case auth::MatchType::selector:
      return hub::SelectorType::selector;
    case auth::MatchType::exact:
      return hub::SelectorType::exact;
    case auth::MatchType::urlpattern:
      return hub::SelectorType::urlpattern;
  }
  return hub::SelectorType::exact;
}

}  // namespace

std::optional<hub::Selector> to_selector(const auth::Grant& grant, const hub::Url& base) {
  auto selector = hub::Selector::make(to_type(grant.type), grant.match, &base);
  return selector ? std::optional(std::move(*selector)) : std::nullopt;
}

std::vector<hub::Selector> to_selectors(const std::vector<auth::Grant>& grants,
                                        const hub::Url& base) {
  std::vector<hub::Selector> selectors;
  selectors.reserve(grants.size());
  for (const auth::Grant& grant : grants) {
    if (auto selector = to_selector(grant, base)) selectors.push_back(std::move(*selector));
  }
  return selectors;
}

Result<std::vector<hub::Selector>> to_selectors(const std::vector<Wish::Match>& matches,
                                                std::size_t max_bytes, const hub::Url& base) {
  std::vector<hub::Selector> selectors;
  selectors.reserve(matches.size());
  for (const Wish::Match& match : matches) {
    if (match.text.empty()) return fail(Errc::invalid, "a topic is empty");
    if (auto good = sse::check_text("a topic", match.text, max_bytes); !good) {
      return tl::unexpected(good.error());
    }
    auto selector = hub::Selector::make(match.type, match.text, &base);
    if (!selector) return tl::unexpected(selector.error());
    selectors.push_back(std::move(*selector));
  }
  return selectors;
}

}  // namespace sluice::server
