#include "gateway/server/config_unknown.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/server/config_table.h"
#include "gateway/server/spelling.h"

namespace sluice::server {

UnknownName unknown_table(std::string_view name) {
  const std::vector<std::string_view> arrays{"listen", "topic", "route", "upstream"};
  std::vector<std::string_view> names = arrays;
  for (const Section& section : config_sections()) names.push_back(section.name);
  const std::string_view meant = nearest(name, names);
  const bool is_array = std::find(arrays.begin(), arrays.end(), meant) != arrays.end();
  const std::string hint =
      is_array ? did_you_mean(meant, "[[", "]]") : did_you_mean(meant, "[", "]");
  return {.message = fmt::format("there is no table [{}]{}", name, hint), .meant = meant};
}

std::string unknown_key(std::string_view section, std::string_view key) {
  std::vector<std::string_view> here;
  std::string_view elsewhere;
  for (const auto& row : config_rows()) {
    const std::size_t dot = row.key.find('.');
    const std::string_view name = row.key.substr(dot + 1);
    if (row.key.substr(0, dot) == section) here.push_back(name);
    if (name == key) elsewhere = row.key;
  }
  const std::string hint =
      elsewhere.empty() ? hint_for(key, here) : did_you_mean(elsewhere, "", "");
  const std::string where = section.empty() ? "the top of the file" : fmt::format("[{}]", section);
  return fmt::format("{} has no key \"{}\"{}", where, key, hint);
}

UnknownName unknown_member(std::string_view table, std::string_view key,
                           const std::vector<std::string_view>& known) {
  return {.message = fmt::format("{} has no key \"{}\"{}", table, key, hint_for(key, known)),
          .meant = nearest(key, known)};
}

}  // namespace sluice::server
