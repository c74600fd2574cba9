/// Gateway: the whole program at run time: journal, workers, admin listener, signals, drain.
///
/// The thread that runs it is the *control* thread: it serves the admin listener, watches signals
/// and conducts the drain. It touches no client's connection.
/// Thread  main.
#pragma once

#include "gateway/server/config.h"

namespace sluice::server {

/// Serves until SIGTERM or SIGINT, then drains; on SIGUSR2 another process takes over (upgrade.h).
/// Prints the `ready` line. Returns the exit status: 0 after a drain, 2 when the configuration
/// cannot work here (an address in use, a broken certificate), each with one line on stderr.
int serve(const Config& config);

}  // namespace sluice::server
