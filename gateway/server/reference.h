/// The reference page of the configuration, from the table that the parser uses.
#pragma once

#include <string>

namespace sluice::server {

/// Markdown: a section per table of the file, a row per key.
[[nodiscard]] std::string config_reference();

}  // namespace sluice::server
