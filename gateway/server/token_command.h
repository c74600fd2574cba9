/// `sluice token`: from the command's options to a signed token.
///
/// Thread  any; a plain function.
/// Errors  Errc::invalid with a sentence: the key, the algorithm or the payload will not do.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/result.h"
#include "gateway/server/cli.h"

namespace sluice::server {

/// `key` is what stands in the command's key file.
Result<std::string> make_token(const TokenCommand& command, std::string_view key, WallTime now);

}  // namespace sluice::server
