/// Which options differ between the configuration that runs and one that was read anew, and which
/// of them a reload can take over.
///
/// What a reload takes over is marked in the table of options (Row::is_live) and copied here; a
/// test holds the two together. All else is compared by what the rows show, and in arrays of tables
/// by what stands in the file, and is named for the operator.
/// Thread  the control loop's; pure functions.
#pragma once

#include <string>
#include <vector>

#include "gateway/server/config.h"

namespace sluice::server {

struct ConfigChanges {
  std::vector<std::string> taken;  ///< Keys that `merged` has from the new one.
  std::vector<Fault> kept;         ///< Those that need a restart; the message is the key.
  Config merged;                   ///< What runs from now on.
};

/// `read` was checked. Secrets are compared, and never shown.
[[nodiscard]] ConfigChanges compare(const Config& running, Config read);

}  // namespace sluice::server
