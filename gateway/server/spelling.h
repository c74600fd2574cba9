/// The name that somebody probably meant, and how they are told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

/// The nearest of `known` by edits, or empty when none is near enough to be meant.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// `; did you mean "name"?`, or with other marks round it; empty when `name` is.
std::string did_you_mean(std::string_view name, std::string_view open = "\"",
                         std::string_view close = "\"");

/// What to say behind the complaint that `word` is none of `known`: the one that was meant; all
/// that have the word in them, as "timeout" stands for several; all, where they are few.
std::string hint_for(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace sluice::server
