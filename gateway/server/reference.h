/// The reference of the configuration, from the table that the parser uses: as data for whoever
/// prints it (manual.h), and as the page in docs/.
///
/// Thread  main.
#pragma once

#include <string>
#include <vector>

namespace sluice::server {

/// A key of the file. Texts have `code` and [links](page.md) as in Markdown.
struct ReferenceEntry {
  std::string key;
  std::string type;
  std::string value;  ///< Its default as it would stand in the file; empty: none.
  std::string range;  ///< May be empty.
  std::string help;
  bool is_live = false;  ///< A reload takes it over.
};

struct ReferenceTable {
  std::string title;  ///< "[limits]", "[[listen]]", "share"
  std::string help;
  std::vector<ReferenceEntry> entries;
};

/// A table for each of the file, in the order of the page.
[[nodiscard]] std::vector<ReferenceTable> config_tables();
/// Markdown: a section per table of the file, a row per key.
[[nodiscard]] std::string config_reference();

}  // namespace sluice::server
