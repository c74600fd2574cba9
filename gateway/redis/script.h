/// The scripts that do all that changes anything in Redis; their heads are their manuals.
#pragma once

#include <string_view>

namespace sluice::redis {

extern const std::string_view kScript;        ///< Of the journal.
extern const std::string_view kRosterScript;  ///< Of what instances tell each other.

}  // namespace sluice::redis
