/// The script that does all that changes the journal in Redis; its head is its manual.
#pragma once

#include <string_view>

namespace sluice::redis {

extern const std::string_view kScript;

}  // namespace sluice::redis
