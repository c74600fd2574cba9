/// Named files, read whole.
///
/// What a configuration names is read again while the gateway runs, by a thread that must not wait.
/// So whatever is no regular file, nor a link to one, is refused: a pipe would be waited for.
///
/// Thread  any.
/// Errors  name the file, after its kind where one is given ("the key file"), and the system's
///         reason. not_found: it is not there; limit: it is too large.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gateway/base/c_handle.h"
#include "gateway/base/result.h"
#include "gateway/base/units.h"

namespace sluice {

/// The largest file that anybody means: a bundle of all public authorities has a quarter of a
/// megabyte, and keys, tokens and configurations have less. What is larger is another file, and
/// would be held in memory whole.
constexpr std::size_t kMostOfFile = 16_MiB;

/// For reading; a regular file. Does not wait.
Result<UniqueFd> open_file(const std::string& path, std::string_view kind = {});
/// All of a regular file. Does not wait.
Result<std::string> read_file(const std::string& path, std::string_view kind = {},
                              std::size_t most = kMostOfFile);
/// All of whatever it is, a pipe too, whose end is waited for: what a command is given.
Result<std::string> read_input(const std::string& path, std::size_t most = kMostOfFile);

}  // namespace sluice
