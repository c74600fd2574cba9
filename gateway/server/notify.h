/// sd_notify: tells the service manager what the process is about to do (sd_notify(3)).
///
/// Thread  main. Without `$NOTIFY_SOCKET` it does nothing.
#pragma once

#include <string_view>

namespace sluice::server {
/// "READY=1", "STOPPING=1".
void notify_service_manager(std::string_view state);
}  // namespace sluice::server
