/// What tokens and requests name, as the hub's selectors.
///
/// Thread  any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/auth/grants.h"
#include "gateway/base/result.h"
#include "gateway/hub/selector.h"
#include "gateway/hub/url.h"
#include "gateway/server/wish.h"

namespace sluice::server {

/// That of one grant; none when it is no selector.
[[nodiscard]] std::optional<hub::Selector> to_selector(const auth::Grant& grant,
                                                       const hub::Url& base);
/// Those of a token. What is no selector allows nothing, and is left out.
[[nodiscard]] std::vector<hub::Selector> to_selectors(const std::vector<auth::Grant>& grants,
                                                      const hub::Url& base);
/// Those of a request. Errc::invalid with a sentence for the client.
Result<std::vector<hub::Selector>> to_selectors(const std::vector<Wish::Match>& matches,
                                                std::size_t max_bytes, const hub::Url& base);

}  // namespace sluice::server
