/// The manual pages, from the tables that the program itself uses: its command line (cli.h) and
/// the keys of its file (reference.h).
///
/// Thread  main.
#pragma once

#include <string>

namespace sluice::server {

/// sluice(1)
[[nodiscard]] std::string program_manual();
/// sluice.toml(5)
[[nodiscard]] std::string config_manual();

}  // namespace sluice::server
