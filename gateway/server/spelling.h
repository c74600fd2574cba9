/// The name that somebody probably meant.
#pragma once

#include <string_view>
#include <vector>

namespace sluice::server {

/// The nearest of `known` by edits, or empty when none is near enough to be meant.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace sluice::server
