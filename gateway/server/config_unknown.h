/// What is said of a name in the file that stands for nothing, and what it was meant for.
///
/// Thread  main, before start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::server {

struct UnknownName {
  std::string message;
  std::string_view meant;  ///< A name that there is; empty: none is near enough.
};

/// Of a table or an array of tables, `[name]`.
UnknownName unknown_table(std::string_view name);
/// Of a key of `[section]`, or at the top of the file where that is empty. It may have its place in
/// another section.
std::string unknown_key(std::string_view section, std::string_view key);
/// Of a key of `table`, which has those of `known` alone: "route[0]".
UnknownName unknown_member(std::string_view table, std::string_view key,
                           const std::vector<std::string_view>& known);

}  // namespace sluice::server
