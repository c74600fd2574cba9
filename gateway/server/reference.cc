#include "gateway/server/reference.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "gateway/server/config_table.h"

namespace sluice::server {
namespace {

constexpr std::string_view kIntroduction =
    R"(# Configuration

`sluice serve --config FILE` reads one TOML file; `sluice check --config FILE` tells what is wrong with it.

A duration is a number with a unit in quotes: `"250ms"`, `"15s"`, `"2m"`, `"1h"`, `"7d"`.
A size is one too: `"512B"`, `"64KiB"`, `"256MiB"`, `"2GiB"`.
Paths are relative to the folder of the file. A key that is not on this page is a fault.
)";

/// What would break a Markdown table.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '|') safe += '\\';
    safe += c;
  }
  return safe;
}

/// "15s" is shown in the quotes that the file needs around it.
std::string shown_default(std::string_view type, const std::string& value) {
  if (value.empty()) return "none";
  const bool is_bare = type == "boolean" || type == "integer";
  return is_bare ? fmt::format("`{}`", value) : fmt::format("`\"{}\"`", value);
}

template <class Owner>
void append_row(std::string& page, std::string_view name, const Row<Owner>& row) {
  page += fmt::format("| `{}` | {} | {} | {} | {} |\n", name, row.type,
                      shown_default(row.type, row.show(Owner{})), escaped(row.range),
                      escaped(row.help));
}

void append_head(std::string& page, std::string_view title, std::string_view help) {
  page += fmt::format(
      "\n## {}\n\n{}\n\n| key | type | default | range | |\n|---|---|---|---|---|\n", title, help);
}

void append_section(std::string& page, const Section& section) {
  append_head(page, fmt::format("[{}]", section.name), section.help);
  for (const auto& row : config_rows()) {
    const std::size_t dot = row.key.find('.');
    if (row.key.substr(0, dot) == section.name) append_row(page, row.key.substr(dot + 1), row);
  }
}

template <class Owner>
void append_table(std::string& page, std::string_view title, std::string_view help,
                  const std::vector<Row<Owner>>& rows) {
  append_head(page, title, help);
  for (const auto& row : rows) append_row(page, row.key, row);
}

void append_relay(std::string& page) {
  append_table(page, "[[route]]",
               "Which requests go to which application, and how. The first table that fits a "
               "request takes it; a request that none fits is answered with 404, or with 421 when "
               "there are `hosts` and its own is none of them.",
               route_rows());
  append_table(page, "share", "In a [[route]]: `share = true`, or `share = { linger = \"30s\" }`.",
               share_rows());
  append_table(page, "replay",
               "In a [[route]]: `replay = true`, or `replay = { events = 500, linger = \"1m\" }`.",
               replay_rows());
  append_table(page, "[[upstream]]",
               "An application that routes call by its `name`; one that is given by its URL in a "
               "[[route]] has the defaults.",
               upstream_rows());
}

}  // namespace

std::string config_reference() {
  std::string page(kIntroduction);
  append_head(page, "[[listen]]", "One table per listener; one at least.");
  for (const auto& row : listen_rows()) append_row(page, row.key, row);
  append_head(page, "[[topic]]",
              "What holds for topics by name: the first table whose `match` takes a topic is its "
              "own. An event is judged by its first topic.");
  for (const auto& row : topic_rows()) append_row(page, row.key, row);
  append_relay(page);
  for (const Section& section : config_sections()) {
    append_section(page, section);
    if (section.name != "hub") continue;
    append_head(
        page, "Keys",
        "An entry of `publisher_keys`, `subscriber_keys` or a route's `keys`, as in `[{ alg = "
        "\"HS256\", "
        "secret_file = \"jwt.secret\" }]`. It has one of `secret`, `secret_file`, `key_file`, "
        "`jwks_file` and `jwks_url`. [authorisation.md](authorisation.md) shows them all.");
    for (const auto& row : key_rows()) append_row(page, row.key, row);
  }
  return page;
}

}  // namespace sluice::server
