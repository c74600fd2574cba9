#include "gateway/server/reference.h"

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

↻ marks what a reload takes over ([operations.md](operations.md)); all else needs a restart.
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
  const bool is_bare = type == "boolean" || type == "integer" || value.empty();
  return is_bare ? value : fmt::format("\"{}\"", value);
}

void append_table(std::string& page, const ReferenceTable& table) {
  page +=
      fmt::format("\n## {}\n\n{}\n\n| key | type | default | range | |\n|---|---|---|---|---|\n",
                  table.title, table.help);
  for (const ReferenceEntry& entry : table.entries) {
    page += fmt::format("| `{}`{} | {} | {} | {} | {} |\n", entry.key, entry.is_live ? " ↻" : "",
                        entry.type, entry.value.empty() ? "none" : fmt::format("`{}`", entry.value),
                        escaped(entry.range), escaped(entry.help));
  }
}

template <class Owner>
ReferenceEntry entry_of(std::string_view key, const Row<Owner>& row) {
  return {.key = std::string(key),
          .type = std::string(row.type),
          .value = shown_default(row.type, row.show(Owner{})),
          .range = row.range,
          .help = std::string(row.help),
          .is_live = row.is_live};
}

template <class Owner>
ReferenceTable table_of(std::string_view title, std::string_view help,
                        const std::vector<Row<Owner>>& rows) {
  ReferenceTable table{.title = std::string(title), .help = std::string(help), .entries = {}};
  for (const auto& row : rows) table.entries.push_back(entry_of(row.key, row));
  return table;
}

ReferenceTable table_of(const Section& section) {
  ReferenceTable table{
      .title = fmt::format("[{}]", section.name), .help = std::string(section.help), .entries = {}};
  for (const auto& row : config_rows()) {
    const std::size_t dot = row.key.find('.');
    if (row.key.substr(0, dot) == section.name) {
      table.entries.push_back(entry_of(row.key.substr(dot + 1), row));
    }
  }
  return table;
}

void append_relay(std::vector<ReferenceTable>& tables) {
  tables.push_back(
      table_of("[[route]]",
               "Which requests go to which application, and how. The first table that fits a "
               "request takes it; a request that none fits is answered with 404, or with 421 when "
               "every table has `hosts` and its own is none of them.",
               route_rows()));
  tables.push_back(table_of(
      "share", "In a [[route]]: `share = true`, or `share = { linger = \"30s\" }`.", share_rows()));
  tables.push_back(table_of(
      "replay", "In a [[route]]: `replay = true`, or `replay = { events = 500, linger = \"1m\" }`.",
      replay_rows()));
  tables.push_back(
      table_of("[[upstream]]",
               "An application that routes call by its `name`; one that is given by its URL in a "
               "[[route]] has the defaults.",
               upstream_rows()));
}

}  // namespace

std::vector<ReferenceTable> config_tables() {
  std::vector<ReferenceTable> tables;
  tables.push_back(table_of("[[listen]]", "One table per listener; one at least.", listen_rows()));
  tables.push_back(
      table_of("[[topic]]",
               "What holds for topics by name: the first table whose `match` takes a topic is its "
               "own. An event is judged by its first topic.",
               topic_rows()));
  append_relay(tables);
  for (const Section& section : config_sections()) {
    tables.push_back(table_of(section));
    if (section.name == "tls") {
      tables.push_back(table_of("[[tls.certificates]]",
                                "A further certificate, for those who ask for one of its names. "
                                "[tls.md](tls.md) shows how they are chosen and renewed.",
                                certificate_rows()));
    }
    if (section.name != "hub") continue;
    tables.push_back(
        table_of("Keys",
                 "An entry of `publisher_keys`, `subscriber_keys` or a route's `keys`, as in `[{ "
                 "alg = \"HS256\", secret_file = \"jwt.secret\" }]`. It has one of `secret`, "
                 "`secret_file`, `key_file`, `jwks_file` and `jwks_url`. "
                 "[authorisation.md](authorisation.md) shows them all.",
                 key_rows()));
  }
  return tables;
}

std::string config_reference() {
  std::string page(kIntroduction);
  for (const ReferenceTable& table : config_tables()) append_table(page, table);
  return page;
}

}  // namespace sluice::server
