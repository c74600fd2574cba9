/// What is wrong with a file that is not TOML, in words that say what to do about it.
///
/// Thread  main, before start.
#pragma once

#include <string>
#include <string_view>

#include "gateway/server/config.h"
#include "gateway/server/config_check.h"

namespace sluice::server {

/// `place` is where the parser stopped, and `said` what it has to say.
Fault syntax_fault(std::string_view text, const std::string& file, Place place,
                   std::string_view said);

}  // namespace sluice::server
